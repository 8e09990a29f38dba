using System.ComponentModel.DataAnnotations;
using System.Globalization;
using Tessera.Datasets.Images;
using Tessera.Datasets.Transforms;
using Tessera.Framework.Data;

namespace Tessera.Datasets.Classification;

/// <param name="Margin">How much of the object's surroundings is cut out with it, on each side, as a fraction of the box's side.</param>
/// <param name="Square">The shorter side is enlarged to the longer one, about the box's centre, so that a resize to a square keeps the
/// object's proportions.</param>
/// <param name="MinSize">Boxes with a side of fewer pixels are left out.</param>
public sealed record ObjectCropsOptions(
    [property: Range(0.0, 10.0)] double Margin = 0,
    bool Square = false,
    [property: Range(1, 10_000)] int MinSize = 2
);

/// <summary>
/// Each object of a detection data set as an image of its own with the box's class as its label: for classifying what is found. Crowds and
/// difficult objects are left out; what a margin or a square adds beyond the image's border isn't there. The pipeline stands here, not in
/// the detection data set; its LoadImage decides how images are read.
/// </summary>
/// <remarks>An image is read once for each of its objects.</remarks>
[Component("ObjectCrops")]
public sealed class ObjectCrops : Dataset
{
    private readonly ObjectCropsOptions _options;
    private readonly Dataset _dataset;
    private readonly LeftOutCounter _leftOut = new();
    private readonly Lazy<List<CutObject>> _objects;

    /// <param name="dataset">Images with boxes.</param>
    /// <exception cref="UserErrorException">The data set is for another task, or has a pipeline.</exception>
    public ObjectCrops(ObjectCropsOptions options, Dataset dataset)
    {
        if (dataset.Info.Task != DataTask.Detection)
            throw new UserErrorException(
                $"ObjectCrops: dataset is for {TaskNames.Of(dataset.Info.Task)}; one for detection was expected, whose boxes are cut out."
            );
        if (dataset.Pipeline.Count > 0)
            throw new UserErrorException("ObjectCrops: the pipeline belongs to it, not to its dataset.");
        (_options, _dataset) = (options, dataset);
        Info = dataset.Info with { Task = DataTask.Classification, CategoryIds = null };
        _objects = new Lazy<List<CutObject>>(Find); // when the pipeline is known
    }

    public override DataInfo Info { get; }

    public override int Count => _objects.Value.Count;

    public override IReadOnlyList<LeftOut> LeftOut
    {
        get
        {
            _ = _objects.Value;
            return [.. _dataset.LeftOut, .. _leftOut.Counted];
        }
    }

    public override int? LabelOf(int index) => _objects.Value[index].Label;

    /// <summary>The image's name and the object's number in it, from 1.</summary>
    public override string? ListNameOf(int index)
    {
        var cut = _objects.Value[index];
        return _dataset.ListNameOf(cut.Image) is { } name ? Numbered(name, cut) : null;
    }

    public override Sample Get(int index)
    {
        var cut = _objects.Value[index];
        var image = _dataset.Get(cut.Image);
        var load = Pipeline.OfType<LoadImage>().FirstOrDefault();
        return new Sample
        {
            Index = index,
            Name = Numbered(image.Name, cut),
            Image = new SampleImage(new CutImage(image, cut, _options, load), mayReduce: false),
            Truth = { Label = cut.Label },
        };
    }

    public override IReadOnlyList<string> Check(Action<int, int>? advance = null)
    {
        _dataset.Pipeline = Pipeline;
        var notes = _dataset.Check(advance).ToList();
        if (Count == 0)
            throw new UserErrorException("ObjectCrops: its dataset has no box that can be cut out.");
        notes.AddRange(_leftOut.Counted.Select(entry => entry.ToString()));
        return notes;
    }

    private static string Numbered(string name, CutObject cut) => string.Create(CultureInfo.InvariantCulture, $"{name}#{cut.Number + 1}");

    private List<CutObject> Find()
    {
        _dataset.Pipeline = Pipeline; // says whether images are turned, and boxes with them
        var objects = new List<CutObject>();
        for (var image = 0; image < _dataset.Count; image++)
        {
            if (_dataset.Get(image) is not { Truth.Boxes: { } boxes } sample)
                continue;
            for (var i = 0; i < boxes.Count; i++)
            {
                var corners = boxes.Corners.AsSpan(4 * i, 4);
                var cut = new CutObject(image, i, boxes.Labels[i], corners[0], corners[1], corners[2], corners[3]);
                if (boxes.Ignored[i])
                    _leftOut.Add(LeftOutKind.Box, "crowds and difficult objects", Numbered(sample.Name, cut));
                else if (Math.Min(cut.Right - cut.Left, cut.Bottom - cut.Top) < _options.MinSize)
                    _leftOut.Add(LeftOutKind.Box, $"boxes smaller than {_options.MinSize} pixels", Numbered(sample.Name, cut));
                else
                    objects.Add(cut);
            }
        }
        return objects;
    }
}
