using System.Numerics;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Checkpoints.Safetensors;
using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Torch;
using static TorchSharp.torch;

namespace Tessera.Framework.Running.Diagnosis;

/// <summary>The truth of a batch's samples as tensors of a file: boxes, masks and segments, and how each image came to be, which says where
/// it is padded. What the batch itself holds as tensors (labels, maps) is no concern of its.</summary>
internal static class StoredTruth
{
    public static IEnumerable<WeightSource> Of(IReadOnlyList<Sample> samples)
    {
        for (var i = 0; i < samples.Count; i++)
        {
            var truth = samples[i].Truth;
            if (truth.Boxes is { } boxes)
            {
                yield return Source(i, "boxes", "corners", tensor(boxes.Corners).reshape(-1, 4));
                yield return Source(i, "boxes", "labels", tensor(boxes.Labels));
                yield return Source(i, "boxes", "ignored", tensor(boxes.Ignored.Select(ignored => ignored ? 1 : 0).ToArray()));
            }
            if (truth.InstanceMasks is { Count: > 0 } masks)
                yield return Source(i, "masks", "values", stack([.. masks.Select(Values)]));
            if (truth.Panoptic is { } panoptic)
            {
                yield return Source(i, "panoptic", "map", Values(panoptic.Map));
                yield return Source(i, "panoptic", "labels", tensor(panoptic.Segments.Select(segment => segment.Label).ToArray()));
                yield return Source(i, "panoptic", "crowds", tensor(panoptic.Segments.Select(segment => segment.Crowd ? 1 : 0).ToArray()));
            }
            if (samples[i].Geometry is { } geometry)
            {
                yield return Source(i, "geometry", "numbers", tensor(Numbers(geometry)));
                yield return Source(i, "geometry", "transform", tensor(Transform(geometry.Transform)));
            }
        }
    }

    /// <param name="name">The sample's, for messages.</param>
    /// <exception cref="UserErrorException">The file is damaged.</exception>
    public static Sample Read(WeightsFile file, int index, string name)
    {
        var stored = new Reader(file, index, name);
        var sample = new Sample
        {
            Index = index,
            Name = name,
            Training = true,
            Geometry = GeometryOf(stored),
        };
        sample.Truth.Boxes = BoxesOf(stored);
        sample.Truth.InstanceMasks = MasksOf(stored, sample.Truth.Boxes?.Count ?? 0);
        sample.Truth.Panoptic = PanopticOf(stored);
        return sample;
    }

    private static Boxes? BoxesOf(Reader stored)
    {
        if (stored.Numbers<float>("boxes.corners", ScalarType.Float32) is not { } corners)
            return null;
        var labels = stored.Numbers<int>("boxes.labels", ScalarType.Int32);
        var ignored = stored.Numbers<int>("boxes.ignored", ScalarType.Int32);
        return labels is not null && ignored is not null && corners.Length == 4 * labels.Length && ignored.Length == labels.Length
            ? new Boxes(corners, labels, [.. ignored.Select(value => value != 0)])
            : throw stored.Incomplete("boxes");
    }

    private static Image[]? MasksOf(Reader stored, int count)
    {
        if (stored.Grid("masks.values", 3) is not { } masks)
            return null;
        var (height, width) = (masks.Shape[1], masks.Shape[2]);
        if (masks.Shape[0] != count || masks.Values.Any(value => value is not (0 or 1)))
            throw stored.Incomplete("masks");
        return
        [
            .. masks
                .Values.Chunk(height * width)
                .Select(mask => new Image(height, width, 1, PixelType.UInt8, [.. mask.Select(v => (byte)v)])),
        ];
    }

    private static PanopticMap? PanopticOf(Reader stored)
    {
        if (stored.Grid("panoptic.map", 2) is not { } map)
            return null;
        var labels = stored.Numbers<int>("panoptic.labels", ScalarType.Int32);
        var crowds = stored.Numbers<int>("panoptic.crowds", ScalarType.Int32);
        if (labels is null || crowds?.Length != labels.Length || labels.Length >= PanopticMap.Void)
            throw stored.Incomplete("segments");
        var image = new Image(map.Shape[0], map.Shape[1], 1, PixelType.UInt16);
        for (var i = 0; i < map.Values.Length; i++)
            image.Pixels<ushort>()[i] =
                map.Values[i] == PanopticMap.Void || (uint)map.Values[i] < (uint)labels.Length
                    ? (ushort)map.Values[i]
                    : throw stored.Incomplete("segments");
        return new PanopticMap(image, [.. labels.Select((label, s) => new PanopticSegment(label, crowds[s] != 0))]);
    }

    private static Geometry? GeometryOf(Reader stored)
    {
        if (stored.Numbers<int>("geometry.numbers", ScalarType.Int32) is not { } n)
            return null;
        if (n.Length != 8 || stored.Numbers<float>("geometry.transform", ScalarType.Float32) is not { Length: 6 } m)
            throw stored.Incomplete("geometry");
        return new Geometry(n[0], n[1], new Matrix3x2(m[0], m[1], m[2], m[3], m[4], m[5]))
        {
            Padding = (n[2], n[3], n[4], n[5]),
            FlippedHorizontally = n[6] != 0,
            FlippedVertically = n[7] != 0,
        };
    }

    private static int[] Numbers(Geometry geometry) =>
        [
            geometry.OriginalHeight,
            geometry.OriginalWidth,
            geometry.Padding.Left,
            geometry.Padding.Top,
            geometry.Padding.Right,
            geometry.Padding.Bottom,
            geometry.FlippedHorizontally ? 1 : 0,
            geometry.FlippedVertically ? 1 : 0,
        ];

    private static float[] Transform(Matrix3x2 matrix) => [matrix.M11, matrix.M12, matrix.M21, matrix.M22, matrix.M31, matrix.M32];

    /// <summary>[H, W], int32.</summary>
    private static Tensor Values(Image image)
    {
        int[] values =
            image.Type == PixelType.UInt16
                ? [.. image.Pixels<ushort>().ToArray().Select(value => (int)value)]
                : [.. image.Bytes.Select(value => (int)value)];
        return tensor(values).reshape(image.Height, image.Width);
    }

    private static WeightSource Source(int sample, string kind, string part, Tensor value) =>
        WeightSource.From(NameOf(sample, $"{kind}.{part}"), value);

    // batch.boxes.0.corners: the kind comes before the sample, as in files of earlier releases.
    private static string NameOf(int sample, string part)
    {
        var dot = part.IndexOf('.', StringComparison.Ordinal);
        return $"batch.{part[..dot]}.{sample}{part[dot..]}";
    }

    /// <summary>The tensors of one sample.</summary>
    private sealed class Reader(WeightsFile file, int sample, string name)
    {
        public UserErrorException Incomplete(string what) =>
            new($"{file.Path}\n  The file is damaged: the {what} of {name} are incomplete.");

        /// <returns>null: there are none.</returns>
        public T[]? Numbers<T>(string part, ScalarType type)
            where T : unmanaged
        {
            if (!file.Tensors.ContainsKey(NameOf(sample, part)))
                return null;
            using var scope = NewDisposeScope();
            var stored = file.Read(NameOf(sample, part));
            return stored.dtype == type ? stored.Values<T>() : throw Incomplete(part.Split('.')[0]);
        }

        /// <returns>Of a tensor of so many dimensions; null: there is none.</returns>
        public (int[] Shape, int[] Values)? Grid(string part, int dimensions)
        {
            if (Numbers<int>(part, ScalarType.Int32) is not { } values)
                return null;
            int[] shape = [.. file.Tensors[NameOf(sample, part)].Shape.Select(side => (int)side)];
            return shape.Length == dimensions && values.Length > 0 ? (shape, values) : throw Incomplete(part.Split('.')[0]);
        }
    }
}
