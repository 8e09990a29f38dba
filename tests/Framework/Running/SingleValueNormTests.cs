using Tessera.Framework.Running;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Tests.Framework.Running;

/// <summary>A batch norm that is shown a single value for each channel: its running statistics are taken and kept.</summary>
[Collection(ProcessWide.Name)]
public sealed class SingleValueNormTests
{
    [Theory]
    [InlineData(new long[] { 1, 2 })]
    [InlineData(new long[] { 1, 2, 1 })]
    public void OneDimension(long[] shape) => IsStill(BatchNorm1d(2), shape);

    [Fact]
    public void TwoDimensions() => IsStill(BatchNorm2d(2), [1, 2, 1, 1]);

    [Fact]
    public void SeveralValues_TrainAsEver()
    {
        using var plain = BatchNorm2d(2);
        using var ruled = BatchNorm2d(2);
        using var model = Sequential(("bn", ruled));
        SingleValueNorms.Attach(model);
        using var x = arange(8, dtype: ScalarType.Float32).reshape(1, 2, 2, 2);
        Assert.Equal(plain.call(x).data<float>().ToArray(), model.call(x).data<float>().ToArray());
        Assert.Equal(plain.running_var!.data<float>().ToArray(), ruled.running_var!.data<float>().ToArray());
    }

    [Fact]
    public void Attach_Twice_IsOnce()
    {
        using var norm = BatchNorm1d(2);
        using var model = Sequential(("bn", norm));
        SingleValueNorms.Attach(model);
        SingleValueNorms.Attach(model);
        using var x = ones(1, 2);
        model.call(x).sum().backward();
        Assert.True(norm.training);
        Assert.All(norm.running_var!.data<float>().ToArray(), value => Assert.Equal(1f, value));
    }

    // mean 2, variance 4, eps 1e-5: (6 - 2) / √4.00001 = 2.0
    private static void IsStill(BatchNorm norm, long[] shape)
    {
        using var model = Sequential(("bn", (Module<Tensor, Tensor>)norm));
        SingleValueNorms.Attach(model);
        using (no_grad())
        {
            norm.running_mean!.fill_(2);
            norm.running_var!.fill_(4);
        }
        using var x = full(shape, 6f);
        Assert.All(model.call(x).data<float>().ToArray(), value => Assert.Equal(2f, value, 1e-4f));
        Assert.True(norm.training);
        Assert.All(norm.running_mean!.data<float>().ToArray(), value => Assert.Equal(2f, value));
        Assert.All(norm.running_var!.data<float>().ToArray(), value => Assert.Equal(4f, value));
    }
}
