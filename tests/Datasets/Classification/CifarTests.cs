using Tessera.Datasets.Classification;
using Tessera.Framework.Errors;

namespace Tessera.Tests.Datasets.Classification;

public sealed class CifarTests : IDisposable
{
    private const int Area = 1024;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Cifar10_FiveParts_AreReadInOrder()
    {
        WriteCifar10();
        var data = new Cifar(new CifarOptions(_folder.Path));
        Assert.Equal(10, data.Count);
        Assert.Equal("class3", data.Info.Classes[3]);
        var sample = data.Get(7); // the second record of the fourth part
        Assert.EndsWith("data_batch_4.bin[1]", sample.Name);
        Assert.Equal(7, sample.Truth.Label);
        Assert.Equal(7, data.LabelOf(7));
        Assert.Equal((32, 32, 3), (sample.Image!.Decode().Height, sample.Image.Decode().Width, sample.Image.Decode().Channels));
        // Pixel (0, 5): plane values are red = i, green = i + 1, blue = i + 2 (mod 256).
        Assert.Equal([5, 6, 7], sample.Image.Decode().Bytes.AsSpan(15, 3).ToArray());
    }

    [Theory]
    [InlineData(CifarVariant.Cifar100, 42, 100)]
    [InlineData(CifarVariant.Cifar100Coarse, 13, 20)]
    public void Cifar100_GivesFineOrCoarseLabels(CifarVariant variant, int label, int classes)
    {
        _folder.Write("cifar-100-binary/test.bin", Record(13, 42));
        _folder.Write("cifar-100-binary/fine_label_names.txt", Names(100));
        _folder.Write("cifar-100-binary/coarse_label_names.txt", Names(20));
        var data = new Cifar(new CifarOptions(_folder.Path, variant, CifarSplit.Test));
        Assert.Equal(classes, data.Info.Classes.Count);
        Assert.Equal(label, data.Get(0).Truth.Label);
    }

    [Fact]
    public void File_CutOff_SaysWhatWasExpected()
    {
        WriteCifar10();
        _folder.Write("data_batch_3.bin", Record(1)[..3000]);
        var message = Error();
        Assert.Contains("data_batch_3.bin is cut off", message);
        Assert.Contains("3,000 bytes are not a whole number of records of 3,073 bytes", message);
    }

    [Fact]
    public void Label_OutOfRange_NamesFileAndRecord()
    {
        WriteCifar10();
        _folder.Write("data_batch_2.bin", [.. Record(1), .. Record(10)]);
        Assert.Contains("data_batch_2.bin: record 1 has label 10; expected 0 to 9.", Error());
    }

    [Fact]
    public void Names_OfAnotherCount_AreAnError()
    {
        WriteCifar10();
        _folder.Write("batches.meta.txt", Names(9));
        Assert.Contains("names 9 classes; expected 10", Error());
    }

    [Fact]
    public void Folder_WithoutTheFiles_PointsToImageFolder() => Assert.Contains("use ImageFolder", Error());

    private string Error() => Assert.Throws<UserErrorException>(() => new Cifar(new CifarOptions(_folder.Path))).Message;

    private void WriteCifar10()
    {
        for (var part = 1; part <= 5; part++)
            _folder.Write($"data_batch_{part}.bin", [.. Record((byte)(2 * part - 2)), .. Record((byte)(2 * part - 1))]);
        _folder.Write("batches.meta.txt", Names(10) + "\n");
    }

    private static string Names(int count) => string.Join('\n', Enumerable.Range(0, count).Select(i => $"class{i}"));

    private static byte[] Record(params byte[] labels) =>
        [.. labels, .. Enumerable.Range(0, 3).SelectMany(plane => Enumerable.Range(0, Area).Select(i => (byte)(i + plane)))];
}
