using Tessera.Framework.Data;
using Tessera.Models.Detection;
using Tessera.Torch;
using static TorchSharp.torch;

namespace Tessera.Models.TaskModels;

/// <summary>The masks that are to be found in the images of a batch.</summary>
/// <param name="Masks">Of each image, [N, H, W], float32, 0 or 1, in the size of the batch's images; none is empty.</param>
/// <param name="Labels">Of each image, [N].</param>
internal sealed record MaskTruths(Tensor[] Masks, int[][] Labels)
{
    /// <summary>Masks of the whole batch.</summary>
    public int Count => Labels.Sum(labels => labels.Length);

    /// <summary>Of segments (but crowds), of objects, or of each class that an image shows, as the data's task is. In the present dispose
    /// scope.</summary>
    /// <param name="queries">How many masks can be found in an image.</param>
    /// <exception cref="UserErrorException">A sample has no such truth or one of another size, a label is none of the classes, or there are
    /// more masks than queries.</exception>
    public static MaskTruths Of(string model, Batch batch, DataInfo data, int queries)
    {
        var (masks, labels) = (new Tensor[batch.Count], new int[batch.Count][]);
        for (var i = 0; i < batch.Count; i++)
        {
            using var scope = NewDisposeScope();
            var (height, width) = (batch.Images.shape[2], batch.Images.shape[3]);
            (masks[i], labels[i]) = data.Task switch
            {
                DataTask.Panoptic => OfSegments(batch.Samples[i], data.Classes.Count, batch.Images.device),
                DataTask.Detection => OfObjects(batch.Samples[i], data.Classes.Count, batch.Images.device),
                _ => OfClasses(batch, i, data.Classes.Count),
            };
            if (labels[i].Length > queries)
                throw new UserErrorException(
                    $"{batch.Samples[i].Name} has {labels[i].Length} masks, but {model} can find {queries} (num_queries): each mask needs "
                        + "a query of its own."
                );
            var (rows, columns) = (masks[i].shape[1], masks[i].shape[2]);
            if (rows > height || columns > width || (data.Task == DataTask.Segmentation && (rows != height || columns != width)))
                throw new UserErrorException(
                    $"{batch.Samples[i].Name}: the image has come to {height} x {width} pixels, its masks to {rows} x {columns}. In "
                        + "training, the step that loads them stands before the steps that resize and crop."
                );
            if (rows < height || columns < width) // the image is padded, and so are its masks
                masks[i] = nn.functional.pad(masks[i], [0, width - columns, 0, height - rows]);
            scope.MoveToOuter(masks[i]);
        }
        return new MaskTruths(masks, labels);
    }

    private static (Tensor, int[]) OfSegments(Sample sample, int classes, Device device)
    {
        var truth =
            sample.Truth.Panoptic
            ?? throw new UserErrorException(
                $"{sample.Name} has no panoptic map. Put a LoadPanoptic step behind LoadImage in the pipeline."
            );
        var areas = truth.Areas();
        int[] asked = [.. Enumerable.Range(0, areas.Length).Where(i => areas[i] > 0 && !truth.Segments[i].Crowd)];
        int[] labels = [.. asked.Select(i => Known(truth.Segments[i].Label, sample, classes))];
        var map = tensor(Array.ConvertAll(truth.Map.Pixels<ushort>().ToArray(), value => (int)value), device: device);
        return (Equal(map.view(truth.Height, truth.Width), asked), labels);
    }

    private static (Tensor, int[]) OfObjects(Sample sample, int classes, Device device)
    {
        var truth = TruthBoxes.Of(sample, classes);
        if (truth is { Masks: null, Boxes.Count: > 0 })
            throw new UserErrorException(
                $"{sample.Name} has boxes but no mask for each, by which a mask transformer is trained. Does its annotation have masks "
                    + "(segmentation in COCO's files), and does the data set read them (with_masks of CocoDetection)?"
            );
        int[] asked = [.. Enumerable.Range(0, truth.Boxes.Count).Where(i => truth.Masks![i].Bytes.AsSpan().ContainsAnyExcept((byte)0))];
        if (asked.Length == 0)
            return (zeros([0, 1, 1], device: device), []);
        var (height, width) = (truth.Masks![0].Height, truth.Masks[0].Width);
        var values = new byte[asked.Length * height * width];
        foreach (var (place, i) in asked.Index())
            truth.Masks[i].Bytes.CopyTo(values, place * height * width);
        var masks = tensor(values, device: device).view(asked.Length, height, width).gt(0).to(ScalarType.Float32);
        return (masks, [.. asked.Select(i => truth.Labels[i])]);
    }

    private static (Tensor, int[]) OfClasses(Batch batch, int image, int classes)
    {
        var maps =
            batch.SegmentationMaps
            ?? throw new UserErrorException(
                "Segmentation maps of the images' size are needed. Put a LoadSegmentation step behind LoadImage in the pipeline."
            );
        var map = maps[image];
        var counts = map.flatten().clamp_max(classes).bincount(null, classes + 1).cpu().Values<long>();
        int[] shown = [.. Enumerable.Range(0, classes).Where(c => counts[c] > 0)];
        return (Equal(map, shown), shown);
    }

    /// <returns>[values.Length, H, W]: where the map has each value.</returns>
    private static Tensor Equal(Tensor map, int[] values) =>
        values.Length == 0
            ? zeros([0, map.shape[0], map.shape[1]], device: map.device)
            : map.unsqueeze(0).eq(tensor(values, device: map.device).view(-1, 1, 1)).to(ScalarType.Float32);

    private static int Known(int label, Sample sample, int classes) =>
        (uint)label < (uint)classes
            ? label
            : throw new UserErrorException($"{sample.Name}: a segment has label {label}, but there are {classes} classes, from 0.");
}
