using System.IO.Compression;
using Tessera.Datasets.Classification;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Tests.Datasets.Storage;

namespace Tessera.Tests.Datasets.Classification;

public sealed class ImageListTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("list.csv", "image,label\na.jpg,dog\n\"b,1.jpg\",cat\n\nc.jpg,dog\n")]
    [InlineData("list.csv", "\uFEFFlabel,image\r\ndog,a.jpg\r\ncat,\"b,1.jpg\"\r\ndog,c.jpg")]
    [InlineData("list.tsv", "image\tlabel\na.jpg\tdog\nb,1.jpg\tcat\nc.jpg\tdog")]
    [InlineData(
        "list.jsonl",
        "{\"image\":\"a.jpg\",\"label\":\"dog\"}\n{\"image\":\"b,1.jpg\",\"label\":\"cat\"}\n\n{\"image\":\"c.jpg\",\"label\":\"dog\"}"
    )]
    [InlineData(
        "list.json",
        "[{\"image\":\"a.jpg\",\"label\":\"dog\"},\n{\"image\":\"b,1.jpg\",\"label\":\"cat\"},{\"image\":\"c.jpg\",\"label\":\"dog\"}]"
    )]
    public void Labels_ByName_InEveryFormat(string file, string text)
    {
        var data = List(file, text);
        Assert.Equal(["cat", "dog"], data.Info.Classes);
        Assert.Equal(DataTask.Classification, data.Info.Task);
        Assert.Equal([1, 0, 1], Enumerable.Range(0, data.Count).Select(i => data.Get(i).Truth.Label!.Value));
        Assert.Equal(Path.Combine(_folder.Path, "b,1.jpg"), data.Get(1).Name);
    }

    [Fact]
    public void Labels_AsIndices_CountToTheLargest()
    {
        var data = List("list.csv", "image,label\na.jpg,2\nb.jpg,0\n");
        Assert.Equal(["0", "1", "2"], data.Info.Classes);
        Assert.Equal(2, data.Get(0).Truth.Label);
    }

    [Theory]
    [InlineData("list.csv", "image,labels\na.jpg,cat; dog\nb.jpg,\n")]
    [InlineData(
        "list.json",
        "{\"classes\":[\"cat\",\"cow\",\"dog\"],\"samples\":[{\"image\":\"a.jpg\",\"labels\":[\"dog\",\"cat\"]},{\"image\":\"b.jpg\",\"labels\":[]}]}"
    )]
    [InlineData(
        "list.json",
        "{\"samples\":[{\"image\":\"a.jpg\",\"labels\":[0,2]},{\"image\":\"b.jpg\",\"labels\":[]}],\"other\":{},\"classes\":[\"cat\",\"cow\",\"dog\"]}"
    )]
    public void Labels_Several_BecomeMultiHot(string file, string text)
    {
        var data = List(file, text, classes: file == "list.csv" ? ["cat", "cow", "dog"] : null);
        Assert.Equal(DataTask.MultiLabel, data.Info.Task);
        Assert.Equal([1f, 0f, 1f], data.Get(0).Truth.MultiLabel!);
        Assert.Equal([0f, 0f, 0f], data.Get(1).Truth.MultiLabel!);
        Assert.Equal([0, 2], data.LabelsOf(0)!.Order());
    }

    [Fact]
    public void Targets_AreNumbers()
    {
        var path = _folder.Write("list.csv", "image,age,height\na.jpg,31,1.7e0\n");
        var data = new ImageList(new ImageListOptions(path, TargetColumns: ["height", "age"]));
        Assert.Equal(DataTask.Regression, data.Info.Task);
        Assert.Equal(["height", "age"], data.Info.Classes);
        Assert.Equal([1.7f, 31f], data.Get(0).Truth.Targets!);
    }

    [Fact]
    public void Root_MayBeAZipArchive()
    {
        var zip = _folder.Write("images.zip", ZipStoreTests.Zip(CompressionLevel.NoCompression, ("x/a.jpg", "hello")));
        var path = _folder.Write("list.csv", "image,label\nx/a.jpg,cat\n");
        Assert.Equal(5, new ImageList(new ImageListOptions(path, Root: zip)).Get(0).ReadFile!().Length);
    }

    [Fact]
    public void Path_Outside_OnlyIfAllowed()
    {
        var outside = _folder.Write("secret.jpg", [1, 2, 3]);
        foreach (var image in new[] { "../secret.jpg", outside, "sub/../../secret.jpg" })
        {
            var path = _folder.Write("inside/list.csv", $"image,label\n{image},cat\n");
            Assert.Contains(
                $"{path}:2  the path \"{image}\" leads out of",
                Assert.Throws<UserErrorException>(() => new ImageList(new ImageListOptions(path))).Message
            );
            Directory.CreateDirectory(Path.Combine(_folder.Path, "inside", "sub"));
            Assert.Equal(3, new ImageList(new ImageListOptions(path, AllowOutside: true)).Get(0).ReadFile!().Length);
        }
    }

    [Theory]
    [InlineData("list.csv", "image,label\na.jpg,cat\nb.jpg,5\n", ":3  label 5 is out of range: there are 2 classes, so expected 0 to 1.")]
    [InlineData("list.csv", "image,label\na.jpg,-1\n", ":2  label -1 is out of range")]
    [InlineData("list.csv", "image,label\na.jpg,dgo\n", ":2  no class is named \"dgo\". Did you mean \"dog\"? Known classes: cat, dog.")]
    [InlineData("list.csv", "image,label\na.jpg,cat,9\n", ":2  3 fields; the header names 2 (image, label).")]
    [InlineData("list.csv", "image,label\na.jpg,\n", ":2  no label: expected one class name or index in \"label\".")]
    [InlineData(
        "list.csv",
        "image,lable\na.jpg,cat\n",
        ":2  no label: expected one class name or index in \"label\". Did you mean \"lable\"? The row has: image, lable."
    )]
    [InlineData("list.csv", "image,label\n,cat\n", ":2  no image")]
    [InlineData("list.csv", "image,label\n\"a.jpg,cat\n", ":2  a quote is opened and never closed.")]
    [InlineData("list.csv", "image,label\n\"a\"b.jpg,cat\n", ":2  text follows a closing quote")]
    [InlineData(
        "list.csv",
        "image,label\na.jpg,\"cat\" \n",
        ":2  a quote is opened and never closed. Nothing, not even a space, may follow"
    )]
    [InlineData("list.csv", "\"image\"s,label\na.jpg,cat\n", ":1  text follows a closing quote")]
    [InlineData("list.csv", "image,label\n\"a\nb\",cat\n\n\"c\r\nd\",cat\nx.jpg\n", ":7  1 fields; the header names 2 (image, label).")]
    [InlineData("list.csv", "image,label\n#a.jpg,emu\n", ":2  no class is named \"emu\"")] // # begins no comment
    [InlineData("list.csv", "image,label\na.jpg,cat\n\0b.jpg,cat\n", ":3  the row begins with a NUL character")]
    [InlineData(
        "list.csv",
        "image;label\na.jpg;cat\n",
        ":1  the fields are delimited by semicolons; commas are expected (.csv: commas, .tsv: tabs)."
    )]
    [InlineData("list.tsv", "image,label\na.jpg,cat\n", ":1  the fields are delimited by commas; tabs are expected")]
    [InlineData("list.csv", "image,image\na,b\n", ":1  the header names a column twice.")]
    [InlineData("list.csv", "image,label\n", " lists no images.")]
    [InlineData("list.csv", "", " lists no images.")]
    [InlineData("list.jsonl", "{\"image\":\"a.jpg\",\"label\":0}\n{\"image\":", ":2  not JSON")]
    [InlineData("list.json", "[\n{\"image\":\"a.jpg\",\"label\":0},\n{\"image\":\"b.jpg\",\n\"label\":7}]", ":3  label 7 is out of range")]
    [InlineData("list.json", "[{]", ":1  not JSON")]
    [InlineData("list.json", "[1]", ":1  expected an object")]
    [InlineData("list.json", "{\"images\":[]}", "expected an array \"samples\"")]
    [InlineData("list.yaml", "a", "a list is .csv, .tsv, .json or .jsonl")]
    public void List_WithAMistake_SaysWhere(string file, string text, string expected)
    {
        var message = Assert.Throws<UserErrorException>(() => List(file, text, ["cat", "dog"])).Message;
        Assert.StartsWith(Path.Combine(_folder.Path, file), message);
        Assert.Contains(expected, message);
    }

    [Fact]
    public void List_QuotesAndLineEnds_AreKept()
    {
        var data = List("list.csv", "\"image\",label\r\n\"a \"\"1\"\".jpg\",\"d\nog\"\r\n#b.jpg,cat\nc\"2.jpg,cat", ["cat", "d\nog"]);
        Assert.Equal(
            ["a \"1\".jpg", "#b.jpg", "c\"2.jpg"],
            Enumerable.Range(0, data.Count).Select(i => Path.GetFileName(data.Get(i).Name))
        );
        Assert.Equal([1, 0, 0], Enumerable.Range(0, data.Count).Select(i => data.Get(i).Truth.Label!.Value));
    }

    [Fact]
    public void List_RowWithoutAnEnd_IsRefused() =>
        Assert.Contains(
            ":2  the row has more than 1,048,576 characters; is a quote opened and never closed?",
            Assert.Throws<UserErrorException>(() => List("list.csv", "image,label\n\"" + new string('x', 3 << 20))).Message
        );

    [Fact]
    public void Targets_ThatContradict_OrNeverDiffer_AreTold()
    {
        foreach (var name in (string[])["a.png", "b.png"])
            _folder.Write(name, Tessera.Datasets.Images.ImageCodec.EncodePng(new Image(2, 2, 3)));
        var path = _folder.Write("list.csv", "image,age,sex\na.png,1,5\na.png,9,5\nb.png,2,5\n");
        var notes = new ImageList(new ImageListOptions(path, TargetColumns: ["age", "sex"])).Check();
        Assert.Contains(
            notes,
            note => note.Contains("1 row gives an image other targets than a row before: a.png has 1, 5 and 9, 5", StringComparison.Ordinal)
        );
        Assert.Contains(notes, note => note.Contains("every sample's \"sex\" is 5", StringComparison.Ordinal));
        Assert.DoesNotContain(notes, note => note.Contains("\"age\"", StringComparison.Ordinal));
    }

    [Fact]
    public void Target_NotANumber_SaysWhere()
    {
        var path = _folder.Write("list.csv", "image,age\na.jpg,1\nb.jpg,NaN\n");
        Assert.Contains(
            ":3  the target \"age\" is \"NaN\"; expected a number.",
            Assert.Throws<UserErrorException>(() => new ImageList(new ImageListOptions(path, TargetColumns: ["age"]))).Message
        );
    }

    private ImageList List(string file, string text, string[]? classes = null) =>
        new(new ImageListOptions(_folder.Write(file, text), Classes: classes));
}
