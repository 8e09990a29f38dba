using Tessera.Datasets.Classification;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;

namespace Tessera.Tests.Datasets.Classification;

/// <summary>Nothing of a folder or a list is passed over without being counted.</summary>
public sealed class LeftOutImagesTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Folder_CountsFilesByReason()
    {
        foreach (
            var name in (string[])
                [
                    "cat/1.jpg",
                    "cat/2.TIF",
                    "cat/a.gif",
                    "cat/b.gif",
                    "cat/c.HEIC",
                    "cat/notes.txt",
                    "dog/1.png",
                    "owl/1.png",
                    "owl/2.png",
                    "readme.md",
                ]
        )
            _folder.Write(name, [1]);
        var data = new ImageFolder(new(_folder.Path, Classes: ["cat", "dog"]));
        Assert.Equal(3, data.Count);
        Assert.Equal(
            [
                (LeftOutKind.File, "files beside the class folders", 1),
                (LeftOutKind.Image, "GIF files, which can't be read (.gif)", 2),
                (LeftOutKind.Image, "HEIC files, which can't be read (.heic)", 1),
                (LeftOutKind.File, "files that are no images (.txt)", 1),
                (LeftOutKind.Class, "images of the folder \"owl\", which classes doesn't list", 2),
            ],
            data.LeftOut.Select(entry => (entry.Kind, entry.Reason, (int)entry.Count))
        );
        Assert.EndsWith("cat/a.gif", data.LeftOut[1].First[0], StringComparison.Ordinal);
        Assert.Contains(
            data.Check(),
            note => note.StartsWith("left out: GIF files, which can't be read (.gif): 2. The first: ", StringComparison.Ordinal)
        );
    }

    [Fact]
    public void Folder_OfUnreadableFormatsOnly_NamesThem()
    {
        foreach (var name in (string[])["cat/1.jpg", "dog/1.avif", "dog/2.avif"])
            _folder.Write(name, [1]);
        Assert.Contains(
            "Its 2 AVIF files can't be read; convert them",
            Error(() => new ImageFolder(new(_folder.Path))),
            StringComparison.Ordinal
        );
        Assert.Contains(
            "the only class has no image that can be read",
            Error(() => new ImageFolder(new(_folder.Path, Classes: ["dog"]))),
            StringComparison.Ordinal
        );
    }

    /// <summary>A split may lack a class whose name is given; Unicode's forms of one name are one class.</summary>
    [Fact]
    public void Classes_MissingInASplit_AllowedWhereGiven()
    {
        foreach (var name in (string[])["train/cafe\u0301/1.jpg", "train/dog/1.jpg", "val/caf\u00e9/1.jpg"])
            _folder.Write(name, [1]);
        string[] classes = ["dog", "caf\u00e9"];
        Assert.Equal(["caf\u00e9", "dog"], new ImageFolder(new(_folder.Path, "train")).Info.Classes);
        var val = new ImageFolder(new(_folder.Path, "val", classes));
        Assert.Equal((1, 1), (val.Count, val.LabelOf(0)));
        Assert.Equal(new ImageFolder(new(_folder.Path, "train", ["dog", "cafe\u0301"])).Info.Classes, val.Info.Classes);
        var note = Assert.Single(val.LeftOut);
        Assert.Equal((LeftOutKind.Class, 1), (note.Kind, note.Count));
        Assert.StartsWith("dog (there is no folder", note.First[0], StringComparison.Ordinal);

        _folder.Write("val/dgo/1.jpg", [1]);
        Assert.Contains("Did you mean \"dgo\"?", Error(() => new ImageFolder(new(_folder.Path, "val", classes))), StringComparison.Ordinal);
        _folder.Write("val/dog/empty.txt", [1]); // the remedy of the message
        Assert.Equal(1, new ImageFolder(new(_folder.Path, "val", classes)).Count);
    }

    [Fact]
    public void List_NullsAndMissingFiles_AreErrors()
    {
        _folder.Write("a.jpg", [1]);
        Assert.Contains(
            "l.json:2  an entry of \"labels\" is Null",
            Error(() => new ImageList(new(_folder.Write("l.json", "[\n{ \"image\": \"a.jpg\", \"labels\": [\"x\", null] }]")))),
            StringComparison.Ordinal
        );
        var data = new ImageList(new(_folder.Write("l.csv", "image,label\na.jpg,x\ngone.jpg,y\n")));
        var message = Error(() => data.Check());
        Assert.Contains("1 of its 2 images don't exist", message, StringComparison.Ordinal);
        Assert.Contains("gone.jpg", message, StringComparison.Ordinal);
    }

    private static string Error(Func<object> make) => Assert.Throws<UserErrorException>(make).Message;
}
