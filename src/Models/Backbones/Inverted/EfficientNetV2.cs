using Tessera.Models.Layers;

namespace Tessera.Models.Backbones.Inverted;

/// <summary>Published sizes of <see cref="EfficientNetV2"/>.</summary>
public enum EfficientNetV2Arch
{
    S,
    M,
    L,
}

/// <param name="Arch">Channels and blocks as published: s, m or l.</param>
/// <param name="WidenFactor">Times the channels of the arch, but for the last convolution's 1280.</param>
/// <param name="DeepenFactor">Times the blocks of each stage of the arch.</param>
/// <param name="NormEps">What batch norms add to variances.</param>
/// <param name="NormMomentum">The share of a batch in batch norms' running statistics.</param>
public sealed record EfficientNetV2Options(
    EfficientNetV2Arch Arch = EfficientNetV2Arch.S,
    [property: Range(0.01, 16)] double WidenFactor = 1,
    [property: Range(0.01, 16)] double DeepenFactor = 1,
    [property: Range(1e-12, 1)] double NormEps = 1e-3,
    [property: Range(0, 1)] double NormMomentum = 0.1
) : InvertedOptions;

/// <summary>Inverted residuals whose early stages expand by one convolution over all channels, which runs faster than two.</summary>
/// <remarks>
/// Tan and Le, "EfficientNetV2: Smaller Models and Faster Training", 2021, arXiv:2104.00298, table 4. Reads, writes torchvision's, timm's
/// and MMPretrain's names. Published for images of 384 (s) and 480 pixels.
/// </remarks>
[Component("EfficientNetV2")]
public sealed class EfficientNetV2(EfficientNetV2Options options) : InvertedBackbone(Plan(options))
{
    private const int Last = 1280;

    public override string? OptionsOf(string? project, IReadOnlyCollection<string> tensors) =>
        project == "mmlab" && !options.SamePadding ? "\"same_padding\": true" : null;

    private static readonly bool[] _fused = [true, true, true, false, false, false, false];
    private static readonly int[] _expansions = [1, 4, 4, 4, 6, 6, 6];
    private static readonly int[] _strides = [1, 2, 2, 2, 1, 2, 1];

    private static InvertedPlan Plan(EfficientNetV2Options options)
    {
        var (channels, blocks) = options.Arch switch
        {
            EfficientNetV2Arch.S => (new[] { 24, 48, 64, 128, 160, 256 }, new[] { 2, 4, 4, 6, 9, 15 }),
            EfficientNetV2Arch.M => ([24, 48, 80, 160, 176, 304, 512], [3, 5, 5, 7, 14, 18, 5]),
            _ => ([32, 64, 96, 192, 224, 384, 640], [4, 7, 7, 10, 19, 25, 7]),
        };
        channels = [.. channels.Select(count => InvertedPlan.Rounded(count * options.WidenFactor))];
        var (width, stages) = (channels[0], new List<InvertedShape[]>());
        for (var stage = 0; stage < channels.Length; stage++)
        {
            var shapes = new InvertedShape[(int)Math.Ceiling(blocks[stage] * options.DeepenFactor)];
            for (var i = 0; i < shapes.Length; i++)
            {
                shapes[i] = new InvertedShape(
                    Kernel: 3,
                    width * _expansions[stage],
                    channels[stage],
                    i == 0 ? _strides[stage] : 1,
                    Activation.Silu,
                    Squeezed: _fused[stage] ? 0 : Math.Max(1, width / 4),
                    _fused[stage]
                );
                width = channels[stage];
            }
            stages.Add(shapes);
        }
        return new InvertedPlan(
            InvertedFamily.EfficientNetV2,
            channels[0],
            stages,
            Last,
            Activation.Silu,
            new NormSettings(options.NormEps, options.NormMomentum),
            options
        );
    }
}
