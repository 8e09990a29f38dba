using Tessera.Framework.Models;
using Tessera.Models.Explanation;
using static TorchSharp.torch;

namespace Tessera.Models.PseudoLabels;

/// <summary>Activation maps of each class's score, at the layer that explains it.</summary>
/// <param name="method">How maps are made; one that depends on the score.</param>
/// <param name="names">Of the model's classes, for messages.</param>
public sealed class ActivationSource(ActivationMethod method, IReadOnlyList<string> names) : ClassMapSource
{
    // The grid of tokens depends on the image's size.
    private readonly Dictionary<(long Height, long Width), MapLayer> _layers = [];
    private VisionModel? _model;

    public override string Title => method.Title;

    public override Tensor Maps(VisionModel model, Tensor images, IReadOnlyList<int> classes)
    {
        using var scope = NewDisposeScope();
        var copies = (int)images.shape[0];
        var maps = new List<Tensor>();
        foreach (var label in classes)
        {
            var target = new ClassTarget([.. Enumerable.Repeat(label, copies)], names);
            using var run = new ExplainedRun(model, images, target, LayerOf(model, images, target));
            maps.Add(method.Contributions(run).detach().sum(1).clamp_min(0).to(ScalarType.Float32));
        }
        return scope.MoveToOuter(stack(maps, 1));
    }

    private MapLayer LayerOf(VisionModel model, Tensor images, ScoreTarget target)
    {
        if (!ReferenceEquals(model, _model))
            _layers.Clear();
        _model = model;
        var size = (images.shape[2], images.shape[3]);
        if (!_layers.TryGetValue(size, out var layer))
        {
            using var first = images.narrow(0, 0, 1);
            _layers[size] = layer = MapLayers.Find(model, first, target);
        }
        return layer;
    }
}
