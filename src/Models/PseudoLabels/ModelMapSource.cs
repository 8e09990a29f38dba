using Tessera.Framework.Models;
using static TorchSharp.torch;

namespace Tessera.Models.PseudoLabels;

/// <summary>Maps that a model has of its own (<see cref="IGivesClassMaps"/>).</summary>
/// <param name="kind">One of its kinds.</param>
public sealed class ModelMapSource(string kind) : ClassMapSource
{
    public override string Title => kind;

    public override Tensor Maps(VisionModel model, Tensor images, IReadOnlyList<int> classes)
    {
        using var scope = NewDisposeScope();
        using var still = no_grad();
        var own = model as IGivesClassMaps ?? throw PseudoLabelErrors.NoMapsOfItsOwn(model);
        var all = own.ClassMaps(images, kind).to(ScalarType.Float32); // [B, K, h, w]
        var wanted = tensor(classes.Select(label => (long)label).ToArray(), device: all.device);
        return scope.MoveToOuter(all.index_select(1, wanted));
    }
}
