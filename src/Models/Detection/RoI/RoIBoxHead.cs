using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Models.Detection.Coders;
using Tessera.Models.Losses;
using Tessera.Models.Losses.Detection;
using static TorchSharp.torch;

namespace Tessera.Models.Detection.RoI;

/// <summary>A region's features to its class and box.</summary>
[ComponentKind("roi bbox head")]
public abstract class RoIBoxHead : nn.Module<Tensor, Tensor[]>
{
    private readonly Loss loss_cls;
    private readonly BoxCoder _coder;
    private readonly BoxLoss _lossBbox;

    /// <param name="classes">How many there are, without the background.</param>
    /// <param name="coder">Boxes as numbers; DeltaXywhCoder with deviations 0.1, 0.1, 0.2 and 0.2 by default.</param>
    /// <param name="lossCls">The loss of the classes; CrossEntropyLoss by default.</param>
    /// <param name="lossBbox">The loss of the boxes; L1Loss by default. One that compares boxes gets them decoded.</param>
    protected RoIBoxHead(string name, int classes, BoxCoder? coder, Loss? lossCls, BoxLoss? lossBbox)
        : base(name)
    {
        Classes = classes;
        _coder = coder ?? new DeltaXywhCoder(new(TargetStds: [0.1, 0.1, 0.2, 0.2]));
        loss_cls = lossCls ?? new CrossEntropyLoss(new());
        _lossBbox = lossBbox ?? new BoxL1Loss();
    }

    /// <summary>Classes that the head tells apart, without the background.</summary>
    public int Classes { get; }

    /// <summary>Bins along each side of the features that it reads.</summary>
    public abstract int RoiFeatSize { get; }

    /// <summary>One box a region; otherwise one for each class.</summary>
    public abstract bool RegClassAgnostic { get; }

    /// <summary>The tensors with rows for classes, by their names in the head.</summary>
    internal abstract IEnumerable<ClassTensor> ClassTensors { get; }

    /// <summary>Pairs of prefixes, torchvision's below "roi_heads." and this head's own.</summary>
    internal virtual IEnumerable<(string Foreign, string Own, bool ReadOnly)> TorchvisionKeys => [];

    /// <summary>Losses of regions.</summary>
    /// <param name="outputs">What <c>call</c> gave: logits [N, classes + 1], the background last, and boxes [N, classes · 4] or
    /// [N, 4].</param>
    /// <returns>Both over all regions; 0 for no regions.</returns>
    internal (Tensor Classes, Tensor Boxes) Losses(
        Tensor[] outputs,
        SampledRoIs sampled,
        IReadOnlyList<TruthBoxes> truths,
        Progress progress
    )
    {
        using var scope = NewDisposeScope();
        var (logits, codes) = (outputs[0], outputs[1]);
        if (sampled.Regions.Count == 0)
            return scope.MoveToOuter((logits * 0).sum(), (codes * 0).sum());
        var device = logits.device;
        var classLoss = loss_cls.Compute(logits, new LossTargets(tensor(sampled.Labels, device: device)), progress);
        var of = RegClassAgnostic
            ? Array.ConvertAll(sampled.Positives, row => (long)row)
            : Array.ConvertAll(sampled.Positives, row => ((long)row * Classes) + sampled.Labels[row]);
        var found = codes.to(ScalarType.Float32).reshape(-1, 4).index_select(0, tensor(of, device: device)); // [P, 4]
        var anchors = tensor(sampled.Regions.At(sampled.Positives).Corners(), device: device).view(-1, 4);
        var boxes = tensor(sampled.TrueCorners(truths), device: device).view(-1, 4);
        if (_lossBbox.OnBoxes)
            found = _coder.Decode(anchors, found);
        else
            boxes = _coder.Encode(anchors, boxes);
        return scope.MoveToOuter(classLoss, _lossBbox.Sum(found, boxes) / sampled.Regions.Count);
    }

    /// <summary>The boxes of some regions.</summary>
    /// <param name="codes">[N, classes · 4] or [N, 4], as <c>call</c> gave it, on the host.</param>
    /// <param name="picked">Of each a region and a class.</param>
    /// <returns>[picked * 4].</returns>
    internal float[] Decode(RoIs regions, ReadOnlySpan<float> codes, IReadOnlyList<(int Region, int Label)> picked)
    {
        if (picked.Count == 0)
            return [];
        var (anchors, chosen) = (new float[4 * picked.Count], new float[4 * picked.Count]);
        for (var i = 0; i < picked.Count; i++)
        {
            var (region, label) = picked[i];
            regions.Boxes.CopyTo(region, anchors.AsSpan(4 * i, 4));
            codes.Slice(4 * (RegClassAgnostic ? region : (region * Classes) + label), 4).CopyTo(chosen.AsSpan(4 * i, 4));
        }
        using var scope = NewDisposeScope();
        return Tessera.Torch.TensorValues.Values<float>(
            _coder.Decode(tensor(anchors).view(-1, 4), tensor(chosen).view(-1, 4)).contiguous()
        );
    }

    /// <summary>The number of classes, which an option may state.</summary>
    protected static int ClassesOf(string head, int? wanted, DataInfo data) =>
        wanted is null || wanted == data.Classes.Count
            ? data.Classes.Count
            : throw new UserErrorException($"{head}: num_classes is {wanted}, but the data has {data.Classes.Count} classes.");
}
