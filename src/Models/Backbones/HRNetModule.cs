using Tessera.Models.Layers;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Backbones;

/// <summary>Parallel branches of residual blocks, each at its own resolution; at the end every branch adds up all of them.</summary>
public sealed class HRNetModule : Module<Tensor[], Tensor[]>
{
    private readonly ModuleList<Sequential> branches = new();
    private readonly ModuleList<ModuleList<Module<Tensor, Tensor>>> fuse_layers = new(); // [to][from]

    private readonly HRNetUpsample _upsample;
    private readonly bool _alignCorners;

    /// <param name="channels">Of every branch.</param>
    /// <param name="blocks">Basic blocks of every branch.</param>
    /// <param name="outputs">Branches that come out: all, or only the first.</param>
    /// <param name="options">How a branch is enlarged.</param>
    internal HRNetModule(int[] channels, int blocks, int outputs, HRNetOptions options)
        : base(nameof(HRNetModule))
    {
        (_upsample, _alignCorners) = (options.Upsample, options.AlignCorners);
        foreach (var width in channels)
            branches.Add(
                Sequential(Enumerable.Range(0, blocks).Select(_ => new BasicBlock(new ResNetBlockShape(width, width, 1, 1, false))))
            );
        for (var to = 0; to < outputs; to++)
            fuse_layers.Add(
                new ModuleList<Module<Tensor, Tensor>>([
                    .. Enumerable.Range(0, channels.Length).Select(from => Exchange(channels, from, to)),
                ])
            );
        RegisterComponents();
    }

    /// <param name="maps">Of every branch, [B, C_i, H_i, W_i], each half the size (rounded up) of the one before.</param>
    /// <returns>The branches that come out, of the same shapes.</returns>
    public override Tensor[] forward(Tensor[] maps)
    {
        using var scope = NewDisposeScope();
        var mine = new Tensor[branches.Count];
        for (var i = 0; i < mine.Length; i++)
            mine[i] = branches[i].call(maps[i]);
        var fused = new Tensor[fuse_layers.Count];
        for (var to = 0; to < fused.Length; to++)
            fused[to] = Fused(mine, to);
        scope.MoveToOuter(fused);
        return fused;
    }

    private Tensor Fused(Tensor[] maps, int to)
    {
        using var scope = NewDisposeScope();
        var layers = fuse_layers[to];
        var own = layers[to].call(maps[to]);
        Tensor? sum = null;
        for (var from = 0; from < maps.Length; from++)
        {
            if (from == to)
                continue;
            var term = layers[from] is Sequential pair ? ConvThenNorm.Run(pair, maps[from]) : layers[from].call(maps[from]);
            if (from > to)
                term = Enlarged(term, 1 << (from - to), own.shape[2], own.shape[3]);
            sum = sum is null ? own + term : sum.add_(term);
        }
        return scope.MoveToOuter(Rectifier.InPlace(sum!));
    }

    // Pixel i of a strided convolution's output lies at pixel factor * i of its input, so that what hangs over at an odd size is cut off.
    private Tensor Enlarged(Tensor x, int factor, long height, long width)
    {
        if (_upsample == HRNetUpsample.Bilinear)
        {
            // MMSegmentation enlarges by the factor, then, at sizes that are no multiple of 32, to the higher branch's size.
            if (!_alignCorners)
                x = Upsampling.To(x, [x.shape[2] * factor, x.shape[3] * factor], alignCorners: false);
            return Upsampling.To(x, [height, width], _alignCorners);
        }
        x = functional.interpolate(x, scale_factor: [factor, factor]);
        if (x.shape[2] > height)
            x = x.narrow(2, 0, height);
        return x.shape[3] > width ? x.narrow(3, 0, width) : x;
    }

    private static Module<Tensor, Tensor> Exchange(int[] channels, int from, int to)
    {
        if (from == to)
            return Identity();
        if (from > to)
            return Sequential(Conv2d(channels[from], channels[to], 1, bias: false), BatchNorm2d(channels[to]));
        var steps = new List<Module<Tensor, Tensor>>();
        for (var step = from + 1; step < to; step++)
            steps.Add(Sequential(Halving(channels[from], channels[from]), BatchNorm2d(channels[from]), ReLU(true)));
        steps.Add(Sequential(Halving(channels[from], channels[to]), BatchNorm2d(channels[to])));
        return Sequential(steps);
    }

    private static Conv2d Halving(int from, int to) => Conv2d(from, to, 3, stride: 2, padding: 1, bias: false);
}
