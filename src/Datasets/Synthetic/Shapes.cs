using System.Numerics;
using Tessera.Datasets.Detection;
using Tessera.Framework.Data;

namespace Tessera.Datasets.Synthetic;

/// <summary>Which part of the data.</summary>
public enum ShapesSplit
{
    Train,
    Val,
    Test,
}

/// <param name="Count">Number of images.</param>
/// <param name="Size">Side of an image in pixels.</param>
/// <param name="Split">Images of different splits are different.</param>
/// <param name="Seed">Another seed, another data set.</param>
/// <param name="Task">
/// What is asked. Classification and regression show one shape an image, the others one to <paramref name="MaxShapes"/>; multi_label,
/// detection, segmentation and panoptic show the same images. Of panoptic data, shapes are things and the background is stuff. Regression
/// asks for the shape's centre and diameter, in fractions of the side.
/// </param>
/// <param name="Classes">Which shapes, in index order; by default all ten.</param>
/// <param name="MaxShapes">Most shapes in an image, for tasks that show several.</param>
/// <param name="MinScale">Smallest diameter, as a fraction of the side; by default 0.4 for one shape, 0.24 for several.</param>
/// <param name="MaxScale">Largest diameter; by default 0.85 for one shape, 0.5 for several.</param>
/// <param name="Clutter">Most lines, blobs and scraps that are no shapes.</param>
/// <param name="Contrast">Least distance between a shape's colours and those around it, of a range of 1.</param>
/// <param name="Noise">Largest standard deviation of the noise, of a range of 1.</param>
/// <param name="Truth">Give boxes, instance masks, multi-labels and the segmentation map whatever the task (for weak supervision and
/// activation maps).</param>
/// <param name="CacheMb">Memory for images already drawn, in MiB; 0 draws every time, which takes about 50 microseconds an image of 48
/// pixels.</param>
/// <param name="Labels">For segmentation: a folder (or .zip archive) of label images by the samples' numbers, "000012.png", in place of the
/// exact maps: 0 the background, 1 the first class, 255 ignored. tools/pseudo-labels writes one.</param>
/// <param name="Marks">For classes that differ in a detail: every shape bears one of these shapes, small, in one colour and anywhere about
/// its middle, and a class is a shape with a mark ("circle with cross"). Classes are then each of <paramref name="Classes"/> with each
/// mark.</param>
/// <param name="MarkScale">A mark's size relative to its shape's.</param>
/// <param name="WrongLabels">For classification and detection: this part of the labels is wrong, the same ones every time, to try out how
/// wrong labels are found (<see cref="Shapes.PlantedErrorsOf"/> knows them). Boxes are called by another class or left out; half as many
/// stand where nothing is.</param>
public sealed record ShapesOptions(
    [property: Range(1, 100_000_000)] int Count = 10_000,
    [property: Range(16, 2048)] int Size = 48,
    ShapesSplit Split = ShapesSplit.Train,
    int Seed = 0,
    DataTask Task = DataTask.Classification,
    string[]? Classes = null,
    [property: Range(1, 32)] int MaxShapes = 4,
    [property: Range(0.1, 1.0)] double? MinScale = null,
    [property: Range(0.1, 1.0)] double? MaxScale = null,
    [property: Range(0, 100)] int Clutter = 7,
    [property: Range(0.0, 0.6)] double Contrast = 0.3,
    [property: Range(0.0, 0.5)] double Noise = 0.06,
    bool Truth = false,
    [property: Range(0, 65536)] int CacheMb = 0,
    string? Labels = null,
    [property: MinLength(2)] string[]? Marks = null,
    [property: Range(0.05, 0.45)] double MarkScale = 0.2,
    [property: Range(0.0, 0.5)] double WrongLabels = 0
);

/// <summary>
/// A synthetic data set drawn in code: ten shapes in any colour, texture, size and rotation, before textured grounds and among
/// clutter. Needs no files. Every image depends on (seed, split, index) alone, and all kinds of truth come from the same scene.
/// </summary>
[Component("Shapes")]
public sealed class Shapes : Dataset
{
    private readonly ShapesOptions _options;
    private readonly string[] _classes;
    private readonly ShapePainter _painter;
    private readonly LabelFolder? _labels;
    private readonly PlantedErrors? _planted;
    private readonly ShapeScene?[] _cache;
    private long _cacheLeft;

    public Shapes(ShapesOptions options)
    {
        _options = options;
        var drawn = ShapeClasses.Of(options.Classes, options.Marks);
        _classes = Array.ConvertAll(drawn, ShapeClasses.Name);
        var several = options.Task is DataTask.MultiLabel or DataTask.Detection or DataTask.Segmentation or DataTask.Panoptic;
        var (least, most) = (options.MinScale ?? (several ? 0.24 : 0.4), options.MaxScale ?? (several ? 0.5 : 0.85));
        if (least > most)
            throw new UserErrorException($"Shapes: min_scale {least} is above max_scale {most}.");
        _painter = new ShapePainter(
            drawn,
            options.Size,
            several ? options.MaxShapes : 1,
            least,
            most,
            options.Clutter,
            options.Contrast,
            options.Noise,
            masks: options.Truth || options.Task is DataTask.Detection or DataTask.Segmentation or DataTask.Panoptic,
            options.MarkScale
        );
        _cacheLeft = (long)options.CacheMb << 20;
        _cache = _cacheLeft > 0 ? new ShapeScene?[options.Count] : [];
        string[] names = options.Task switch
        {
            DataTask.Segmentation or DataTask.Panoptic => ["background", .. _classes],
            DataTask.Regression => ["x", "y", "diameter"],
            _ => _classes,
        };
        Info = new DataInfo(names, options.Task) { Things = options.Task == DataTask.Panoptic ? [.. names.Select((_, c) => c > 0)] : null };
        if (options.Labels is { } labels && options.Task != DataTask.Segmentation)
            throw new UserErrorException(
                $"Shapes: labels is {labels}; label images are for the task segmentation, not {TaskNames.Of(options.Task)}."
            );
        _labels = options.Labels is { } folder ? new LabelFolder(folder, names) : null;
        if (options.WrongLabels > 0 && options.Task is not (DataTask.Classification or DataTask.Detection))
            throw new UserErrorException(
                $"Shapes: wrong_labels is for the tasks classification and detection, not {TaskNames.Of(options.Task)}."
            );
        _planted = options.WrongLabels > 0 ? new PlantedErrors(options.WrongLabels, _classes.Length, options.Size) : null;
    }

    public override int Count => _options.Count;

    public override DataInfo Info { get; }

    public override Sample Get(int index)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, Count);
        var scene = SceneOf(index);
        var sample = new Sample
        {
            Index = index,
            Name = $"shapes/{Name(_options.Split)}/{index:D6}",
            Image = new(scene.Image.Clone()),
            Geometry = new Geometry(_options.Size, _options.Size, Matrix3x2.Identity),
            SegmentationFile = _labels?.Of(index),
        };
        var task = _options.Task;
        var truth = _options.Truth;
        if (task == DataTask.Classification)
            sample.Truth.Label = GivenLabel(scene.Shapes[0].Label, index);
        if (task == DataTask.Regression)
            sample.Truth.Targets = scene.Shapes[0].Place;
        if (truth || task is DataTask.MultiLabel)
            sample.Truth.MultiLabel = MultiHot(scene);
        if (truth || task is DataTask.Detection)
            SetInstances(sample, scene, index);
        if (_labels is null && (truth || task is DataTask.Segmentation))
            sample.Truth.SegmentationMap = SegmentationMap(scene);
        if (task == DataTask.Panoptic)
            sample.Truth.Panoptic = scene.Panoptic(_options.Size);
        return sample;
    }

    public override int? LabelOf(int index) =>
        _options.Task == DataTask.Classification ? GivenLabel(_painter.FirstLabel(RandomOf(index)), index) : null;

    /// <summary>What is wrong with the labels of sample <paramref name="index"/>, on purpose (<see
    /// cref="ShapesOptions.WrongLabels"/>).</summary>
    public IReadOnlyList<PlantedError> PlantedErrorsOf(int index)
    {
        if (_planted is null)
            return [];
        if (_options.Task == DataTask.Detection)
            return _planted.Change(Visible(SceneOf(index)).Boxes, RandomOf(index)).Errors;
        var label = _painter.FirstLabel(RandomOf(index));
        return _planted.OtherLabel(label, RandomOf(index)) is { } given
            ? [new PlantedError(PlantedErrorKind.OtherClass, label, given, null)]
            : [];
    }

    private int GivenLabel(int label, int index) => _planted?.OtherLabel(label, RandomOf(index)) ?? label;

    public override IReadOnlyList<int>? LabelsOf(int index) =>
        _options.Task switch
        {
            _ when _labels is not null => null, // the files say so, not the scene
            DataTask.Classification => [LabelOf(index)!.Value],
            DataTask.Detection when _planted is not null => [.. Get(index).Truth.Boxes!.Labels.Distinct()],
            DataTask.MultiLabel or DataTask.Detection => [.. SceneOf(index).Shapes.Select(shape => shape.Label).Distinct()],
            DataTask.Segmentation => [.. SceneOf(index).Shapes.Select(shape => shape.Label + 1).Distinct()],
            DataTask.Panoptic => [.. Get(index).Truth.Panoptic!.Segments.Select(segment => segment.Label).Distinct()],
            _ => null,
        };

    public override int? ObjectsOf(int index) =>
        _options.Task switch
        {
            _ when _labels is not null => null,
            DataTask.Detection => Get(index).Truth.Boxes!.Ignored.Count(ignored => !ignored),
            DataTask.Panoptic => Get(index).Truth.Panoptic!.Segments.Count(segment => !segment.Crowd),
            DataTask.Segmentation => LabelsOf(index)!.Count,
            _ => null,
        };

    private static string Name(ShapesSplit split) =>
        split switch
        {
            ShapesSplit.Train => "train",
            ShapesSplit.Val => "val",
            _ => "test",
        };

    private RandomSource RandomOf(int index) => RandomSource.For(_options.Seed, (long)_options.Split, index);

    private ShapeScene SceneOf(int index)
    {
        if (_cache.Length == 0)
            return _painter.Paint(RandomOf(index));
        if (Volatile.Read(ref _cache[index]) is { } known)
            return known;
        var scene = _painter.Paint(RandomOf(index));
        if (Interlocked.Read(ref _cacheLeft) > scene.Bytes && Interlocked.CompareExchange(ref _cache[index], scene, null) is null)
            Interlocked.Add(ref _cacheLeft, -scene.Bytes);
        return scene;
    }

    private float[] MultiHot(ShapeScene scene)
    {
        var labels = new float[_classes.Length];
        foreach (var shape in scene.Shapes)
            labels[shape.Label] = 1;
        return labels;
    }

    private (Boxes Boxes, byte[][] Masks) Visible(ShapeScene scene)
    {
        var visible = scene.Shapes.Where(shape => shape.Mask.AsSpan().Contains((byte)1)).ToArray(); // one may lie wholly below others
        return (
            new Boxes(
                [.. visible.SelectMany(shape => Box(shape.Mask!))],
                [.. visible.Select(shape => shape.Label)],
                new bool[visible.Length]
            ),
            [.. visible.Select(shape => shape.Mask!)]
        );
    }

    private void SetInstances(Sample sample, ShapeScene scene, int index)
    {
        var (boxes, masks) = Visible(scene);
        if (_planted is not null && _options.Task == DataTask.Detection)
        {
            var (given, origins, _) = _planted.Change(boxes, RandomOf(index));
            masks = [.. origins.Select((origin, i) => origin is { } shape ? masks[shape] : Filled(given.Corners.AsSpan(4 * i, 4)))];
            boxes = given;
        }
        sample.Truth.Boxes = boxes;
        sample.Truth.BoxAnnotation = BoxAnnotation.Of(boxes) with
        {
            Masks = new LateMasks(masks.Length, i => RunLengthMask.Of(Picture(masks[i]))),
        };
        sample.Truth.InstanceMasks = [.. masks.Select(mask => Picture((byte[])mask.Clone()))];

        Image Picture(byte[] mask) => new(_options.Size, _options.Size, 1, PixelType.UInt8, mask);
    }

    private byte[] Filled(ReadOnlySpan<float> box)
    {
        var mask = new byte[_options.Size * _options.Size];
        for (var y = (int)box[1]; y < (int)box[3]; y++)
            mask.AsSpan((y * _options.Size) + (int)box[0], (int)(box[2] - box[0])).Fill(1);
        return mask;
    }

    private Image SegmentationMap(ShapeScene scene)
    {
        var map = new Image(_options.Size, _options.Size, 1);
        foreach (var shape in scene.Shapes)
            for (var i = 0; i < map.Bytes.Length; i++)
                if (shape.Mask![i] != 0)
                    map.Bytes[i] = (byte)(shape.Label + 1);
        return map;
    }

    /// <summary>The tight box around what is visible: x1, y1, x2, y2, pixel corners at integers.</summary>
    private float[] Box(byte[] mask)
    {
        var (left, top, right, bottom) = (_options.Size, _options.Size, 0, 0);
        for (var i = 0; i < mask.Length; i++)
        {
            if (mask[i] == 0)
                continue;
            var (y, x) = Math.DivRem(i, _options.Size);
            (left, right) = (Math.Min(left, x), Math.Max(right, x + 1));
            (top, bottom) = (Math.Min(top, y), Math.Max(bottom, y + 1));
        }
        return [left, top, right, bottom];
    }
}
