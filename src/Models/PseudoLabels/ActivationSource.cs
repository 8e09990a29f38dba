using Tessera.Framework.Models;
using Tessera.Models.Explanation;
using static TorchSharp.torch;

namespace Tessera.Models.PseudoLabels;

/// <summary>Activation maps of each class's score, at the layer that explains it.</summary>
/// <param name="method">How maps are made; one that depends on the score.</param>
/// <param name="names">Of the model's classes, for messages.</param>
public sealed class ActivationSource(ActivationMethod method, IReadOnlyList<string> names) : ClassMapSource
{
    private KnownLayers? _layers; // of the model that was asked last

    public override string Title => method.Title;

    public override Tensor Maps(VisionModel model, Tensor images, IReadOnlyList<int> classes)
    {
        using var scope = NewDisposeScope();
        if (!ReferenceEquals(_layers?.Model, model))
            _layers = new KnownLayers(model);
        var copies = (int)images.shape[0];
        var maps = new List<Tensor>();
        foreach (var label in classes)
        {
            var target = new ClassTarget([.. Enumerable.Repeat(label, copies)], names);
            maps.Add(Map(model, images, target, _layers.For([], images, target)[0]));
        }
        return scope.MoveToOuter(stack(maps, 1));
    }

    // The layer was found by another class or image, so that these are the reason where nothing comes out.
    private Tensor Map(VisionModel model, Tensor images, ClassTarget target, MapLayer layer)
    {
        using var run = new ExplainedRun(model, images, target, layer);
        try
        {
            return method.Contributions(run).detach().sum(1).clamp_min(0).to(ScalarType.Float32);
        }
        catch (UserErrorException error) when (ZeroGradientException.Is(error))
        {
            throw ExplanationErrors.NoGradient(model, target);
        }
    }
}
