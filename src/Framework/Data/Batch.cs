using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Framework.Data;

/// <summary>Samples, stacked. Its owner disposes it; its tensors belong to no dispose scope.</summary>
public sealed class Batch : IDisposable
{
    /// <summary>[B, C, H, W], float32, normalised.</summary>
    public required Tensor Images { get; set; }

    /// <summary>[B], int64: one class an image.</summary>
    public Tensor? Labels { get; set; }

    /// <summary>[B, classes], float32: multi-hot or mixed labels. Where set, it takes precedence over <see cref="Labels"/>.</summary>
    public Tensor? SoftLabels { get; set; }

    /// <summary>[B, targets], float32.</summary>
    public Tensor? Targets { get; set; }

    /// <summary>[B, H, W], int64, 255 ignored.</summary>
    public Tensor? SegmentationMaps { get; set; }

    /// <summary>[B, C', H, W] each.</summary>
    public Dictionary<string, Tensor> ExtraMaps { get; } = [];

    /// <summary>The samples behind the batch: names, geometry, boxes, masks. Their images may have been let go.</summary>
    public required IReadOnlyList<Sample> Samples { get; init; }

    public int Count => Samples.Count;

    /// <summary>Moves every tensor to a device, in place.</summary>
    public void To(Device device)
    {
        if (Images.device_type == device.type && Images.device_index == device.index)
            return;
        Images = Move(Images);
        Labels = Labels is null ? null : Move(Labels);
        SoftLabels = SoftLabels is null ? null : Move(SoftLabels);
        Targets = Targets is null ? null : Move(Targets);
        SegmentationMaps = SegmentationMaps is null ? null : Move(SegmentationMaps);
        foreach (var (name, map) in ExtraMaps.ToArray())
            ExtraMaps[name] = Move(map);

        Tensor Move(Tensor tensor)
        {
            var moved = tensor.to(device).DetachFromDisposeScope();
            if (!ReferenceEquals(moved, tensor))
                tensor.Dispose();
            return moved;
        }
    }

    /// <summary>Some of the batch's samples, one after another. Its tensors are views of this batch's, of the present dispose
    /// scope.</summary>
    public Batch Part(int from, int count)
    {
        var part = new Batch
        {
            Images = Images.narrow(0, from, count),
            Labels = Labels?.narrow(0, from, count),
            SoftLabels = SoftLabels?.narrow(0, from, count),
            Targets = Targets?.narrow(0, from, count),
            SegmentationMaps = SegmentationMaps?.narrow(0, from, count),
            Samples = [.. Samples.Skip(from).Take(count)],
        };
        foreach (var (name, map) in ExtraMaps)
            part.ExtraMaps.Add(name, map.narrow(0, from, count));
        return part;
    }

    /// <summary>Every tensor the batch holds.</summary>
    public IEnumerable<Tensor> Tensors() =>
        new[] { Images, Labels, SoftLabels, Targets, SegmentationMaps }.Concat(ExtraMaps.Values).OfType<Tensor>();

    public void Dispose()
    {
        foreach (var tensor in Tensors())
            tensor.Dispose();
    }
}
