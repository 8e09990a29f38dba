using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Layers;

/// <summary>Cuts an image into square patches and projects each to a token.</summary>
public sealed class PatchEmbed : nn.Module<Tensor, Tensor>
{
    private readonly Conv2d proj;

    /// <param name="patchSize">Side of a patch in pixels.</param>
    /// <param name="inChannels">Channels of the image.</param>
    /// <param name="channels">Width of a token.</param>
    /// <param name="bias">Whether something is added that is the same for all patches.</param>
    public PatchEmbed(int patchSize, int inChannels, int channels, bool bias = true)
        : base(nameof(PatchEmbed))
    {
        PatchSize = patchSize;
        proj = Conv2d(inChannels, channels, patchSize, stride: patchSize, bias: bias);
        RegisterComponents();
    }

    /// <summary>Side of a patch in pixels.</summary>
    public int PatchSize { get; }

    /// <summary>Zeros to the right and below, up to whole patches; the images themselves where there are none to add.</summary>
    /// <param name="images">[B, C, H, W].</param>
    public static Tensor Pad(Tensor images, int patchSize)
    {
        var (below, right) = (-images.shape[2] % patchSize, -images.shape[3] % patchSize);
        if (below == 0 && right == 0)
            return images;
        return functional.pad(images, [0, (right + patchSize) % patchSize, 0, (below + patchSize) % patchSize]);
    }

    /// <param name="images">[B, inChannels, H, W].</param>
    /// <returns>Tokens in reading order, [B, ⌊H / patch⌋ · ⌊W / patch⌋, channels].</returns>
    public override Tensor forward(Tensor images)
    {
        using var scope = NewDisposeScope();
        return scope.MoveToOuter(proj.call(images).flatten(2).transpose(1, 2));
    }
}
