using Tessera.Framework.Models;
using Tessera.Models.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Backbones;

/// <summary>A part of a <see cref="StagedBackbone"/>: its stem, a stage, or what follows them.</summary>
/// <param name="Name">The field's, in parameters' names.</param>
/// <param name="Channels">Of what it gives.</param>
/// <param name="Stride">Of what it gives, relative to the image; 0 for a vector.</param>
internal sealed record StagePart(string Name, Module<Tensor, Tensor> Module, int Channels, int Stride);

/// <summary>What a <see cref="StagedBackbone"/> is told.</summary>
/// <param name="Name">The backbone's, for messages.</param>
/// <param name="Parts">The stem first. Those after the last that gives a map are not built.</param>
/// <param name="Given">Which parts give maps, rising.</param>
/// <param name="FrozenStages">-1: nothing; 0: the stem is frozen; n: also the n parts after it.</param>
/// <param name="NormEval">All norms keep their statistics in training.</param>
/// <param name="LeastSide">Pixels that an image's sides must have, so that no map is empty.</param>
internal sealed record StagedPlan(
    string Name,
    IReadOnlyList<StagePart> Parts,
    int[] Given,
    int FrozenStages,
    bool NormEval,
    int LeastSide = 1
);

/// <summary>What networks share that are a stem and stages, one after another, some of which give maps.</summary>
public abstract class StagedBackbone : Backbone, IChainedBackbone
{
    private readonly IReadOnlyList<StagePart> _parts;
    private readonly int[] _given;
    private readonly int _frozen;
    private readonly bool _normEval;
    private readonly int _leastSide;

    private protected StagedBackbone(StagedPlan plan)
        : base(plan.Name)
    {
        (_parts, _given, _frozen, _normEval, _leastSide) = (plan.Parts, plan.Given, plan.FrozenStages, plan.NormEval, plan.LeastSide);
        if (_frozen > _parts.Count - 1)
            throw new UserErrorException($"{plan.Name}: frozen_stages is {_frozen}, but there are {_parts.Count - 1} stages.");
        foreach (var part in _parts)
            register_module(part.Name, part.Module);
        OutChannels = [.. _given.Select(i => _parts[i].Channels)];
        OutStrides = [.. _given.Select(i => _parts[i].Stride)];
        FrozenParts.Freeze(Frozen());
    }

    public override IReadOnlyList<int> OutChannels { get; }

    public override IReadOnlyList<int> OutStrides { get; }

    /// <summary>A stage is a block.</summary>
    public override ParameterLayers LayersByDepth => new([_parts[0].Name], [.. _parts.Skip(1).Select(part => new[] { part.Name })]);

    /// <param name="images">Normalized images, [B, InChannels, H, W].</param>
    /// <returns>One map for each of OutIndices, [B, C, H / stride, W / stride], rounded up, or down where the network doesn't pad; or a
    /// vector [B, C] where the stride is 0.</returns>
    /// <exception cref="UserErrorException">The images are too small for the strides.</exception>
    public override Tensor[] forward(Tensor images)
    {
        SmallImages.Refuse(GetName(), images, _leastSide);
        using var scope = NewDisposeScope();
        var x = images;
        var maps = new List<Tensor>();
        foreach (var (i, part) in _parts.Index())
        {
            x = part.Module.call(x);
            if (_given.Contains(i))
                maps.Add(x);
        }
        var result = maps.ToArray();
        scope.MoveToOuter(result);
        return result;
    }

    /// <summary>The stem, then every layer of every stage.</summary>
    public IReadOnlyList<ChainStep> Chain(int height, int width) =>
        [
            .. _parts.SelectMany(part =>
                part.Module is Sequential layers
                    ? layers
                        .children()
                        .Select((layer, i) => new ChainStep($"{part.Name}.{i}", [$"{part.Name}.{i}"], ((Module<Tensor, Tensor>)layer).call))
                    : [new ChainStep(part.Name, [part.Name], part.Module.call)]
            ),
        ];

    /// <summary>Frozen norms stay in evaluation mode.</summary>
    public override void train(bool train = true)
    {
        base.train(train);
        if (train)
            FrozenParts.KeepNorms(_normEval ? [this] : Frozen());
    }

    private IEnumerable<Module> Frozen() => _parts.Take(_frozen + 1).Select(part => part.Module);
}

internal static class SmallImages
{
    /// <param name="images">[B, C, H, W].</param>
    /// <param name="least">Pixels that H and W must have.</param>
    /// <exception cref="UserErrorException">They have fewer.</exception>
    public static void Refuse(string backbone, Tensor images, int least)
    {
        var (height, width) = (images.shape[2], images.shape[3]);
        if (height < least || width < least)
            throw new UserErrorException(
                $"{backbone}: images of {height} x {width} pixels are too small for its strides: its last map would be empty. It takes "
                    + $"{least} x {least} or more; resize the images, or let it give fewer stages by out_indices."
            );
    }
}
