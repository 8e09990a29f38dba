using Tessera.Framework.Models;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Detection.RoI;

/// <summary>A region's features to the mask of the object in it.</summary>
[ComponentKind("mask head")]
public abstract class MaskHead(string name) : Module<Tensor, Tensor>(name)
{
    /// <summary>Classes that the head tells apart.</summary>
    public abstract int Classes { get; }

    /// <summary>Bins along each side of the features that it reads.</summary>
    public abstract int RoiFeatSize { get; }

    /// <summary>One mask a region; otherwise one for each class.</summary>
    public abstract bool ClassAgnostic { get; }

    /// <summary>How true masks are cut out of the image, to the size of the head's.</summary>
    internal abstract MaskCut Cut { get; }

    /// <summary>The tensors with rows for classes, by their names in the head.</summary>
    internal abstract IEnumerable<ClassTensor> ClassTensors { get; }

    /// <summary>Pairs of prefixes, torchvision's below "roi_heads." and this head's own.</summary>
    internal virtual IEnumerable<(string Foreign, string Own, bool ReadOnly)> TorchvisionKeys => [];

    /// <summary>The binary cross entropy of the masks of the regions' classes.</summary>
    /// <param name="logits">What <c>call</c> gave for the positives; for one region, whatever it is, where there is none.</param>
    /// <returns>The mean over all pixels of the masks; 0 for no regions.</returns>
    internal Tensor Loss(Tensor logits, SampledRoIs sampled, IReadOnlyList<TruthBoxes> truths)
    {
        using var scope = NewDisposeScope();
        if (sampled.Positives.Length == 0)
            return scope.MoveToOuter((logits * 0).sum());
        var size = (int)logits.shape[2];
        var truth = tensor(MaskTargets.Of(sampled, truths, size, Cut), device: logits.device).view(-1, size, size);
        var found = OfClasses(logits, Array.ConvertAll(sampled.Positives, row => (int)sampled.Labels[row]));
        return scope.MoveToOuter(functional.binary_cross_entropy_with_logits(found, truth));
    }

    /// <summary>The masks of one class each.</summary>
    /// <param name="logits">[N, classes, S, S], or [N, 1, S, S].</param>
    /// <param name="labels">[N].</param>
    /// <returns>[N, S, S], float32.</returns>
    internal Tensor OfClasses(Tensor logits, int[] labels)
    {
        using var scope = NewDisposeScope();
        if (ClassAgnostic)
            return scope.MoveToOuter(logits.squeeze(1).to(ScalarType.Float32));
        var rows = tensor(labels.Select((label, i) => ((long)i * Classes) + label).ToArray(), device: logits.device);
        return scope.MoveToOuter(logits.flatten(0, 1).index_select(0, rows).to(ScalarType.Float32));
    }
}
