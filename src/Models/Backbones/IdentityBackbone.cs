using Tessera.Framework.Models;
using static TorchSharp.torch;

namespace Tessera.Models.Backbones;

/// <param name="Channels">Channels of what comes in: the width of features.</param>
public sealed record IdentityBackboneOptions([property: Range(1, 1_000_000)] int Channels = 3);

/// <summary>No backbone: a head sees the input itself. For a head that is trained on features made ahead.</summary>
[Component("IdentityBackbone")]
public sealed class IdentityBackbone : Backbone
{
    private readonly int _channels;

    public IdentityBackbone(IdentityBackboneOptions options)
        : base(nameof(IdentityBackbone))
    {
        _channels = options.Channels;
        RegisterComponents();
    }

    public override IReadOnlyList<int> OutChannels => [_channels];

    public override IReadOnlyList<int> OutStrides => [1];

    /// <param name="images">[B, channels, H, W]; features are [B, channels, 1, 1].</param>
    /// <returns>The same.</returns>
    /// <exception cref="UserErrorException">There are more channels, or fewer.</exception>
    public override Tensor[] forward(Tensor images) =>
        images.shape[1] == _channels
            ? [images]
            : throw new UserErrorException(
                $"IdentityBackbone: channels is {_channels}, but what comes in has {images.shape[1]}. Set channels to {images.shape[1]}."
            );
}
