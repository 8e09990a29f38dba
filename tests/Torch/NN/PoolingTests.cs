using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Tests.Torch.NN;

public class PoolingTests
{
    [Fact]
    public void MaxUnpool2d_AfterMaxPool2d_PutsTheMaximaBack()
    {
        using var scope = NewDisposeScope();
        var image = arange(16, dtype: ScalarType.Float32).view(1, 1, 4, 4);
        var (values, indices) = MaxPool2d(2).forward_with_indices(image);
        // The maxima of the four windows of 0 … 15 are 5, 7, 13 and 15, each at the place that is its own number.
        var back = MaxUnpool2d(2).call(values, indices);
        var expected = new float[16];
        foreach (var place in (int[])[5, 7, 13, 15])
            expected[place] = place;
        Assert.Equal(expected, back.data<float>().ToArray());
    }
}
