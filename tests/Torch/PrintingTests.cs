using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Tests.Torch;

public sealed class PrintingTests
{
    [Fact]
    public void Text_NamesShapeTypeDeviceAndValues()
    {
        using var scope = NewDisposeScope();
        var m = tensor(new[,] { { 1f, 2.5f }, { 3f, -4f } });
        Assert.Equal($"[2x2], type = Float32, device = cpu [[1, 2.5],{Environment.NewLine} [3, -4]]", m.ToString());
        Assert.Equal("[2], type = Bool, device = cpu [true, false]", tensor((bool[])[true, false]).ToString());
        Assert.Equal("[2], type = Int64, device = cpu", tensor((long[])[1, 2]).metastr());
        Assert.Contains("0, 1, 2, ..., 4997, 4998, 4999", arange(5000).ToString(), StringComparison.Ordinal);
        Assert.Equal("[0], type = Float32, device = cpu []", zeros(0).ToString());
    }

    [Fact]
    public void Text_OfADisposedTensor_SaysSo()
    {
        var gone = ones(1);
        gone.Dispose();
        Assert.Equal("[disposed]", gone.ToString());
    }
}
