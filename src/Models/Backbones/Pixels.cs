using Tessera.Framework.Models;
using static TorchSharp.torch;

namespace Tessera.Models.Backbones;

/// <param name="InChannels">Channels of the input image.</param>
public sealed record PixelsOptions([property: Range(1, 1024)] int InChannels = 3);

/// <summary>
/// The image itself as the only feature map. With a <c>LinearHead</c> of pooling "none" it is a linear classifier on
/// pixels: what any network has to beat.
/// </summary>
[Component("Pixels")]
public sealed class Pixels(PixelsOptions options) : Backbone(nameof(Pixels))
{
    public override IReadOnlyList<int> OutChannels { get; } = [options.InChannels];

    public override IReadOnlyList<int> OutStrides { get; } = [1];

    /// <param name="images">[B, InChannels, H, W].</param>
    /// <returns>The same.</returns>
    public override Tensor[] forward(Tensor images) => [images.alias()];
}
