using System.IO.Compression;
using Tessera.Datasets.Classification;
using Tessera.Datasets.Images;
using Tessera.Datasets.Transforms;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;

namespace Tessera.Tests.Datasets.Classification;

public sealed class Cub200Tests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public Cub200Tests() => Make();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Splits_HaveTheirImagesLabelsAndBoxes()
    {
        var train = new Cub200(new(_folder.Path, Boxes: true));
        Assert.Equal(["Albatross", "Sooty_Tern"], train.Info.Classes);
        Assert.Equal(DataTask.Classification, train.Info.Task);
        Assert.Equal([0, 1], Enumerable.Range(0, train.Count).Select(i => train.LabelOf(i)!.Value));
        Assert.Equal(["images/001.Albatross/a.png", "images/002.Sooty_Tern/c d.png"], Enumerable.Range(0, 2).Select(train.ListNameOf));
        var sample = train.Get(1);
        Assert.Equal(1, sample.Truth.Label);
        Assert.Equal([1, 0.5f, 3, 3.5f], sample.Truth.Boxes!.Corners); // x 1, y 0.5, 2 wide, 3 high
        Assert.Equal([1], sample.Truth.Boxes.Labels);
        Assert.Equal([1, 0.5, 2, 3], sample.Truth.BoxAnnotation!.Boxes);
        Assert.Empty(train.Check());

        var test = new Cub200(new(_folder.Path, CubSplit.Test));
        Assert.Equal(1, test.Count);
        Assert.EndsWith("b.png", test.Get(0).Name, StringComparison.Ordinal);
        Assert.Null(test.Get(0).Truth.Boxes);
        Assert.Equal(train.Info.Classes, test.Info.Classes);
    }

    [Fact]
    public void GreyImage_IsLoadedAsRgb()
    {
        var grey = new Image(4, 5, 1);
        grey.Bytes.AsSpan().Fill(77);
        _folder.Write("images/001.Albatross/a.png", ImageCodec.EncodePng(grey));
        var loaded = new LoadImage(new()).Apply(new Cub200(new(_folder.Path)).Get(0), new RandomSource(0)).Image!.Decode();
        Assert.Equal((4, 5, 3), (loaded.Height, loaded.Width, loaded.Channels));
        Assert.All(loaded.Bytes, value => Assert.Equal(77, value));
    }

    [Fact]
    public void Archive_WithItsOwnFolder_IsReadAsItIs()
    {
        var path = Path.Combine(_folder.Path, "cub.zip");
        using (var archive = ZipFile.Open(path, ZipArchiveMode.Create))
            foreach (var file in Directory.EnumerateFiles(_folder.Path, "*", SearchOption.AllDirectories).Where(file => file != path))
                archive.CreateEntryFromFile(file, "CUB_200_2011/" + Path.GetRelativePath(_folder.Path, file));
        var data = new Cub200(new(path));
        Assert.Equal(2, data.Count);
        Assert.Equal("CUB_200_2011/images/001.Albatross/a.png", data.ListNameOf(0));
        Assert.Empty(data.Check());
        Assert.True(data.Get(0).ReadFile!().Length > 0);
    }

    [Fact]
    public void Ids_MayStandInAnyOrderAndHaveGaps()
    {
        _folder.Write("images.txt", "7 001.Albatross/a.png\n3 001.Albatross/b.png\r\n\n9 002.Sooty_Tern/c d.png");
        _folder.Write("image_class_labels.txt", "9 2\n3 1\n7 1\n");
        _folder.Write("train_test_split.txt", "3 0\n9 1\n7 1\n");
        var train = new Cub200(new(_folder.Path));
        Assert.Equal(["images/001.Albatross/a.png", "images/002.Sooty_Tern/c d.png"], Enumerable.Range(0, 2).Select(train.ListNameOf));
        Assert.Equal([0, 1], Enumerable.Range(0, 2).Select(i => train.LabelOf(i)!.Value));
    }

    [Theory]
    [InlineData("1 Albatross\n2 002.Tern\n", "Albatross", "002.Tern")] // not all have a number
    [InlineData("1 001.Tern\n2 002.Tern\n", "001.Tern", "002.Tern")] // the rest would be the same
    [InlineData("1 001.A.b\n2 2.C d\n", "A.b", "C d")]
    public void ClassNames_LoseTheirNumbersWhereAllHaveOne(string file, params string[] expected)
    {
        _folder.Write("classes.txt", file);
        Assert.Equal(expected, new Cub200(new(_folder.Path)).Info.Classes);
    }

    [Theory]
    [InlineData("images.txt", "1 a.png\n1 b.png\n", "images.txt:2  image 1 comes twice.")]
    [InlineData("images.txt", "one a.png\n", "images.txt:1  \"one\" is no number; expected a whole number from 1.")]
    [InlineData("images.txt", "1\n", "images.txt:1  \"1\" has 1 words; expected 2.")]
    [InlineData("images.txt", "\n", "images.txt lists no images.")]
    [InlineData("images.txt", "1 ../secret.png\n", "images.txt:1  \"../secret.png\" leads out of the folder images.")]
    [InlineData("images.txt", "1 /etc/a.png\n", "images.txt:1  \"/etc/a.png\" leads out of the folder images.")]
    [InlineData("images.txt", "1 a\\..\\..\\b.png\n", "images.txt:1  \"a\\..\\..\\b.png\" leads out of the folder images.")]
    [InlineData("classes.txt", "1 001.A\n3 002.B\n", "classes.txt:2  class 3 stands where 2 was expected")]
    [InlineData("classes.txt", "1 001.A\n2 001.A\n", "classes.txt:2  \"001.A\" comes twice.")]
    [InlineData("image_class_labels.txt", "1 1\n2 1\n3 3\n", "image_class_labels.txt:3  class 3 is out of range: classes.txt names 2")]
    [InlineData(
        "image_class_labels.txt",
        "1 1\n2 0\n3 2\n",
        "image_class_labels.txt:2  \"0\" is no number; expected a whole number from 1."
    )]
    [InlineData("image_class_labels.txt", "1 1\n2 1\n4 2\n", "image_class_labels.txt:3  there is no image 4 in images.txt.")]
    [InlineData("image_class_labels.txt", "1 1\n", "image_class_labels.txt has no line for image 2 (001.Albatross/b.png), nor for 1 more.")]
    [InlineData("image_class_labels.txt", "1 1 1\n", "image_class_labels.txt:1  \"1 1 1\" has 3 words; expected 2.")]
    [InlineData("train_test_split.txt", "1 1\n2 2\n3 1\n", "train_test_split.txt:2  the mark is \"2\"; expected 1 (train) or 0 (test).")]
    [InlineData("train_test_split.txt", "1 0\n2 0\n3 0\n", "train_test_split.txt marks no image with 1, so the split train has none.")]
    [InlineData("bounding_boxes.txt", "1 0 0 1 1\n2 0 0 1\n", "bounding_boxes.txt:2  \"2 0 0 1\" has 4 words; expected 5.")]
    [InlineData("bounding_boxes.txt", "1 0 0 1 nan\n", "bounding_boxes.txt:1  \"nan\" is no number of pixels.")]
    [InlineData("bounding_boxes.txt", "1 0 0 0 1\n", "bounding_boxes.txt:1  the box is 0 wide and 1 high")]
    public void BrokenFile_IsToldWithItsLine(string file, string text, string expected)
    {
        _folder.Write(file, text);
        var message = Assert.Throws<UserErrorException>(() => new Cub200(new(_folder.Path, Boxes: true))).Message;
        Assert.Contains(expected, message, StringComparison.Ordinal);
    }

    [Fact]
    public void FilesThatAreMissing_AreNamed()
    {
        File.Delete(Path.Combine(_folder.Path, "images/002.Sooty_Tern/c d.png"));
        var data = new Cub200(new(_folder.Path));
        var message = Assert.Throws<UserErrorException>(() => data.Check()).Message;
        Assert.Contains("names 1 images that don't exist", message, StringComparison.Ordinal);
        Assert.Contains("c d.png", message, StringComparison.Ordinal);

        File.Delete(Path.Combine(_folder.Path, "bounding_boxes.txt"));
        Assert.Equal(2, new Cub200(new(_folder.Path)).Count); // nobody asked for boxes
        Assert.Contains("bounding_boxes.txt doesn't exist", Error(boxes: true), StringComparison.Ordinal);
        File.Delete(Path.Combine(_folder.Path, "classes.txt"));
        Assert.Contains("classes.txt doesn't exist", Error(), StringComparison.Ordinal);
        File.Delete(Path.Combine(_folder.Path, "images.txt"));
        Assert.Contains("has no images.txt", Error(), StringComparison.Ordinal);
    }

    private string Error(bool boxes = false) =>
        Assert.Throws<UserErrorException>(() => new Cub200(new(_folder.Path, Boxes: boxes))).Message;

    private void Make()
    {
        _folder.Write("images.txt", "1 001.Albatross/a.png\n2 001.Albatross/b.png\n3 002.Sooty_Tern/c d.png\n");
        _folder.Write("image_class_labels.txt", "1 1\n2 1\n3 2\n");
        _folder.Write("train_test_split.txt", "1 1\n2 0\n3 1\n");
        _folder.Write("classes.txt", "1 001.Albatross\n2 002.Sooty_Tern\n");
        _folder.Write("bounding_boxes.txt", "1 0.0 1.0 4.0 3.0\n2 0 0 5 4\n3 1.0 0.5 2.0 3.0\n");
        foreach (var name in new[] { "001.Albatross/a.png", "001.Albatross/b.png", "002.Sooty_Tern/c d.png" })
            _folder.Write("images/" + name, ImageCodec.EncodePng(new Image(4, 5, 3)));
    }
}
