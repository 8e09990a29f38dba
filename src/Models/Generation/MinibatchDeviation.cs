using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Generation;

/// <summary>Lets a discriminator see how much images differ from each other: one more channel, which holds the mean deviation of the
/// features within a group of images. A generator that draws one image again and again is found out by it.</summary>
/// <remarks>Karras et al., "Progressive Growing of GANs", 2018, arXiv:1710.10196, section 3, in groups as StyleGAN2 has it: with B images
/// in groups of G, images i, i + B / G, i + 2 B / G … are one group.</remarks>
internal sealed class MinibatchDeviation(int group) : Module<Tensor, Tensor>(nameof(MinibatchDeviation))
{
    private const double Eps = 1e-8;

    /// <param name="features">[B, C, H, W]. Where the group's size does not divide B, its largest divisor below that is the size.</param>
    /// <returns>[B, C + 1, H, W].</returns>
    public override Tensor forward(Tensor features)
    {
        using var scope = NewDisposeScope();
        var (count, channels, height, width) = (features.shape[0], features.shape[1], features.shape[2], features.shape[3]);
        var size = Math.Min(group, count);
        while (count % size != 0)
            size--;
        var groups = features.to(ScalarType.Float32).reshape(size, count / size, channels, height, width);
        var variance = (groups - groups.mean([0], keepdim: true)).square().mean([0]);
        var deviation = (variance + Eps).sqrt().mean([1, 2, 3]); // of each group
        var channel = deviation.repeat(size).reshape(count, 1, 1, 1).expand(count, 1, height, width);
        return scope.MoveToOuter(cat([features, channel.to(features.dtype)], 1));
    }
}
