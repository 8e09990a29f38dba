using Tessera.Models.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Backbones.Inverted;

/// <summary>Whose network it is: decides what other projects call its parameters.</summary>
internal enum InvertedFamily
{
    EfficientNet,
    EfficientNetV2,
    MobileNetV2,
    MobileNetV3,
}

/// <summary>A network of inverted residuals, worked out: a stem, stages of blocks, a 1x1 convolution, and perhaps a layer behind a
/// pool.</summary>
internal sealed class InvertedPlan
{
    /// <summary>Maps by stride, 2 to 32, and the one of the last convolution.</summary>
    private const int Levels = 6;

    private readonly InvertedOptions _options;
    private readonly InvertedStyle _style;

    /// <param name="stages">Blocks of each stage, of which the first alone may have a stride.</param>
    /// <param name="last">Channels of the last convolution.</param>
    /// <param name="pooled">Width of the layer behind the pool; 0: there is none.</param>
    /// <param name="activation">Of the first and the last layers.</param>
    /// <exception cref="UserErrorException">The options don't fit.</exception>
    public InvertedPlan(
        InvertedFamily family,
        int stem,
        IReadOnlyList<InvertedShape[]> stages,
        int last,
        Activation activation,
        NormSettings norm,
        InvertedOptions options,
        int pooled = 0
    )
    {
        (Family, Stem, Stages, Pooled, _options) = (family, stem, stages, pooled, options);
        _style = new InvertedStyle(norm, options.SamePadding, HardGate: family == InvertedFamily.MobileNetV3);
        var name = family.ToString();
        int[] nominal = [.. Strides(2, stages)];
        var given = options.OutIndices is { } asked
            ? OutIndices.Checked(name, asked, Levels).Select(level => PartOf(level, nominal)).ToArray()
            : [pooled > 0 ? stages.Count + 2 : stages.Count + 1];
        LevelOfStage = [.. nominal.Skip(1).Select(stride => (int)Math.Log2(stride) - 1)];
        Staged = new StagedPlan(name, [.. Parts(last, activation).Take(given[^1] + 1)], given, options.FrozenStages, options.NormEval);
    }

    public InvertedFamily Family { get; }

    public StagedPlan Staged { get; }

    /// <summary>Channels after the stem.</summary>
    public int Stem { get; }

    /// <summary>Blocks of each stage.</summary>
    public IReadOnlyList<InvertedShape[]> Stages { get; }

    /// <summary>Width of the layer behind the pool; 0: there is none.</summary>
    public int Pooled { get; }

    /// <summary>0 for a stage whose maps have stride 2, 1 for 4 …, in the network as published.</summary>
    public int[] LevelOfStage { get; }

    /// <summary>Channels as published, times a factor, in multiples of a number; never less than nine tenths.</summary>
    public static int Rounded(double channels, int divisor = 8)
    {
        var rounded = Math.Max(divisor, (int)(channels + divisor / 2.0) / divisor * divisor);
        return rounded < 0.9 * channels ? rounded + divisor : rounded;
    }

    private static IEnumerable<int> Strides(int stem, IReadOnlyList<InvertedShape[]> stages)
    {
        var stride = stem;
        yield return stride;
        foreach (var stage in stages)
            yield return stride *= stage[0].Stride;
    }

    // The last part of its stride; 5 is the convolution behind all stages.
    private static int PartOf(int level, int[] strides) => level == Levels - 1 ? strides.Length : Array.LastIndexOf(strides, 2 << level);

    private IEnumerable<StagePart> Parts(int last, Activation activation)
    {
        var (width, total) = (Stem, _options.StemStride);
        yield return new StagePart(
            "conv1",
            new ConvNorm(new ConvShape(_options.InChannels, Stem, 3, total, Same: _style.Same), _style.Norm, activation),
            Stem,
            total
        );
        var (count, block, dilation) = (Stages.Sum(stage => stage.Length), 0, 1);
        foreach (var (i, stage) in Stages.Index())
        {
            var blocks = new List<Module<Tensor, Tensor>>();
            foreach (var shape in stage)
            {
                var (stride, before) = (shape.Stride, dilation);
                if (stride > 1 && total * stride > (_options.OutputStride ?? int.MaxValue))
                    (stride, dilation) = (1, dilation * stride);
                total *= stride;
                var own = _options.ContractDilation ? before : dilation;
                blocks.Add(new InvertedBlock(shape, width, stride, own, _options.DropPathRate * block++ / count, _style));
                width = shape.Channels;
            }
            yield return new StagePart($"layer{i + 1}", Sequential(blocks), width, total);
        }
        yield return new StagePart("conv2", new ConvNorm(new ConvShape(width, last, 1), _style.Norm, activation), last, total);
        if (Pooled > 0)
            yield return new StagePart("pooled", new PooledLayer(last, Pooled, activation), Pooled, 0);
    }
}

/// <summary>The mean over a map, a linear layer and an activation, before a classifier.</summary>
internal sealed class PooledLayer : Module<Tensor, Tensor>
{
    private readonly Linear fc;
    private readonly Activation _activation;

    public PooledLayer(int width, int channels, Activation activation)
        : base(nameof(PooledLayer))
    {
        _activation = activation;
        fc = Linear(width, channels);
        RegisterComponents();
        Weights.Truncated(fc, 0.01);
    }

    /// <param name="map">[B, width, H, W].</param>
    /// <returns>[B, channels].</returns>
    public override Tensor forward(Tensor map)
    {
        using var scope = NewDisposeScope();
        return scope.MoveToOuter(_activation.Run(fc.call(map.mean([2, 3]))));
    }
}
