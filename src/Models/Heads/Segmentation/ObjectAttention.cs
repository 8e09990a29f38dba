using Tessera.Models.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Heads.Segmentation;

/// <summary>Every pixel attends to the object regions; what it finds there is joined to its own features.</summary>
internal sealed class ObjectAttention : Module<Tensor, Tensor, Tensor>
{
    private readonly Sequential query_project;
    private readonly Sequential key_project;
    private readonly ConvNorm value_project;
    private readonly ConvNorm out_project;
    private readonly ConvNorm bottleneck;
    private readonly double _scale;

    /// <param name="width">Channels of pixels and regions.</param>
    /// <param name="channels">Channels in which they are compared.</param>
    public ObjectAttention(int width, int channels)
        : base(nameof(ObjectAttention))
    {
        query_project = Sequential(new ConvNorm(width, channels, 1), new ConvNorm(channels, channels, 1));
        key_project = Sequential(new ConvNorm(width, channels, 1), new ConvNorm(channels, channels, 1));
        value_project = new ConvNorm(width, channels, 1);
        out_project = new ConvNorm(channels, width, 1);
        bottleneck = new ConvNorm(2 * width, width, 1);
        _scale = 1 / Math.Sqrt(channels);
        RegisterComponents();
    }

    /// <param name="pixels">[B, width, h, w].</param>
    /// <param name="regions">[B, width, classes, 1].</param>
    /// <returns>[B, width, h, w].</returns>
    public override Tensor forward(Tensor pixels, Tensor regions)
    {
        using var scope = NewDisposeScope();
        var query = query_project.call(pixels).flatten(2).transpose(1, 2); // [B, h · w, channels]
        var key = key_project.call(regions).flatten(2); // [B, channels, classes]
        var value = value_project.call(regions).flatten(2).transpose(1, 2); // [B, classes, channels]
        var attention = (matmul(query, key) * _scale).softmax(2);
        var found = matmul(attention, value).transpose(1, 2).reshape(pixels.shape[0], -1, pixels.shape[2], pixels.shape[3]);
        return scope.MoveToOuter(bottleneck.call(cat([out_project.call(found), pixels], 1)));
    }
}
