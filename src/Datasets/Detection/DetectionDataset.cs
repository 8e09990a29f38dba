using System.Globalization;
using Tessera.Datasets.Images;
using Tessera.Datasets.Storage;
using Tessera.Datasets.Transforms;
using Tessera.Framework.Data;

namespace Tessera.Datasets.Detection;

/// <summary>Images with boxes. Annotations are read, and judged, when the data set is made; images when they are asked for.</summary>
public abstract class DetectionDataset : Dataset
{
    private readonly FileStore _files;
    private readonly string _what;
    private readonly Findings _findings;
    private readonly DetectionOptions _options;
    private readonly Lazy<List<AnnotatedImage>> _images;
    private readonly List<AnnotatedImage> _read;

    /// <param name="what">The annotations, for messages.</param>
    /// <param name="read">What they say; every object's class is an index into its names.</param>
    /// <param name="ownFolder">Every image of the store is expected to be annotated.</param>
    /// <param name="list">Names the images to take; null: all that were read.</param>
    private protected DetectionDataset(
        FileStore files,
        string what,
        AnnotationSet read,
        DetectionOptions options,
        Findings findings,
        bool ownFolder,
        string? list
    )
    {
        (_files, _what, _findings, _options) = (files, what, findings, options);
        var chosen = ChosenClasses.Of(what, read, options, findings);
        var present = PresentImages.Of(files, read.Images, findings, ownFolder);
        if (list is not null)
            present = [.. SampleList.Read(files, list, [.. present.Select(image => image.File)]).Select(i => present[i])];
        _read = chosen.Apply((read with { Images = present }).Measured(files).Images, findings);
        Info = new DataInfo(chosen.Names, DataTask.Detection)
        {
            CategoryIds = chosen.CategoryIds,
            Frequencies = chosen.Frequencies,
            Ancestors = chosen.Ancestors,
        };
        _images = new Lazy<List<AnnotatedImage>>(Judged);
        // The pipeline, set later, says whether photographs are turned; without such there is no need to wait.
        if (!_read.Exists(image => image.Turned))
            _ = _images.Value;
    }

    public override DataInfo Info { get; }

    public override int Count => _images.Value.Count;

    public override IReadOnlyList<LeftOut> LeftOut
    {
        get
        {
            _ = _images.Value;
            return _findings.LeftOut;
        }
    }

    public override string? SyntheticSource => SyntheticMarker.Above(_files, _images.Value.Select(image => image.File));

    public override Sample Get(int index)
    {
        var image = _images.Value[index];
        var usable = image.Objects.Where(item => item.Fault(image.Height, image.Width) is null).ToArray();
        var unusable = image.Objects.Where(item => item.IsMeasurable && item.Fault(image.Height, image.Width) is not null).ToArray();
        return new Sample
        {
            Index = index,
            Name = _files.Describe(image.File),
            ImageId = image.Id,
            ReadFile = () => _files.Read(image.File),
            Truth =
            {
                Boxes = BoxesOf(usable, image, clip: true),
                BoxAnnotation = AnnotationOf(usable, image) with
                {
                    Unusable = unusable.Length == 0 ? null : AnnotationOf(unusable, image),
                    ImageSize = image.Measured ? null : (image.Height, image.Width),
                    VerifiedLabels = image.VerifiedLabels,
                    NotExhaustiveLabels = image.NotExhaustiveLabels,
                },
            },
        };
    }

    /// <summary>The boxes of a sample as its annotation has them, bad ones included.</summary>
    public Boxes Annotated(int index) => BoxesOf(_images.Value[index].Objects, _images.Value[index], clip: false);

    public override IReadOnlyList<int>? LabelsOf(int index)
    {
        var image = _images.Value[index];
        return
        [
            .. image.Objects.Where(item => item.Fault(image.Height, image.Width) is null).Select(item => item.Class).Distinct().Order(),
        ];
    }

    public override int? ObjectsOf(int index)
    {
        var image = _images.Value[index];
        return image.Objects.Count(item => !item.Crowd && !item.Difficult && ObjectFaults.IsUsable(item, image, _options.HasMasks));
    }

    public override string? ListNameOf(int index) => _images.Value[index].File;

    /// <exception cref="UserErrorException">Something is found that must not be, or objects are annotated and none can be used.</exception>
    public override IReadOnlyList<string> Check(Action<int, int>? advance = null)
    {
        var images = _images.Value;
        var notes = _findings.Report().ToList();
        var boxes = new BoxForms(_what, images);
        if (boxes.Fault() is { } fault)
            throw new UserErrorException(fault);
        var masks = new MaskJudgement(_options.HasMasks ? images : []);
        if (masks.Fractions() is { } wrong)
            throw new UserErrorException($"{_what}: {wrong}");
        if (
            _findings.LeftOut.Any(entry => entry.Kind == LeftOutKind.Box)
            && images.All(image => image.Objects.All(item => !ObjectFaults.IsUsable(item, image, _options.HasMasks)))
        )
            throw new UserErrorException(string.Join("\n  ", notes.Prepend($"{_what}: objects are annotated, but none can be used.")));
        if (masks.Doubt() is { } otherwise)
            notes.Add($"{_what}: {otherwise}");
        if (boxes.Doubt() is { } doubt)
            notes.Add(doubt);
        if (
            Pipeline.OfType<LoadImage>().FirstOrDefault() is { ChecksSize: true } load
            && ImageSizeCheck.Run(_files, images, load, advance) is { } note
        )
            notes.Add(note);
        notes.AddRange(PixelDepth.Notes(this));
        return notes;
    }

    private BoxAnnotation AnnotationOf(AnnotatedObject[] objects, AnnotatedImage image) =>
        new(
            [.. objects.SelectMany(item => (double[])[item.X, item.Y, item.Width, item.Height])],
            [.. objects.Select(item => item.Class)],
            [.. objects.Select(item => item.Area ?? item.Width * item.Height)],
            [.. objects.Select(item => item.Crowd || item.GroupOf)],
            [.. objects.Select(item => item.Crowd || item.GroupOf || item.Difficult)]
        )
        {
            Masks = _options.HasMasks ? LateMasks.Of(objects, image.Height, image.Width) : null,
            MaskAreas = _options.HasMasks ? [.. objects.Select(item => item.Area ?? double.NaN)] : null,
        };

    private Boxes BoxesOf(IReadOnlyList<AnnotatedObject> objects, AnnotatedImage image, bool clip)
    {
        var corners = new float[4 * objects.Count];
        for (var i = 0; i < objects.Count; i++)
        {
            var item = objects[i];
            corners[4 * i] = Corner(item.X, image.Width);
            corners[4 * i + 1] = Corner(item.Y, image.Height);
            corners[4 * i + 2] = Corner(item.X + item.Width, image.Width);
            corners[4 * i + 3] = Corner(item.Y + item.Height, image.Height);
        }
        return new Boxes(
            corners,
            [.. objects.Select(item => item.Class)],
            [.. objects.Select(item => item.Crowd || item.Difficult || ObjectFaults.OfMask(item, image, _options.HasMasks) is not null)]
        );

        float Corner(double value, int side) => (float)(clip && side > 0 ? Math.Clamp(value, 0, side) : value);
    }

    /// <summary>The images as the pipeline reads them, with everything about their boxes told.</summary>
    private List<AnnotatedImage> Judged()
    {
        var turns = LoadImage.TurnsIn(Pipeline);
        if (!turns && _read.Find(image => image is { Turned: true, InFractions: true }) is { } turned)
            throw new UserErrorException(
                $"{_files.Describe(turned.File)}: boxes are fractions of the picture as its EXIF orientation shows it, so LoadImage may "
                    + "not have \"apply_orientation\": false."
            );
        var images = turns
            ? _read
            : _read.ConvertAll(image => image.Turned ? image with { Height = image.Width, Width = image.Height } : image);
        ObjectFaults.Tell(images, _options.HasMasks, _findings);
        if (_options.FilterEmpty)
        {
            var empty = images
                .Where(image => !image.Objects.Any(item => !item.Crowd && !item.Difficult && item.Fault(image.Height, image.Width) is null))
                .ToHashSet();
            foreach (var image in empty)
                _findings.LeaveOut(LeftOutKind.Image, "images with nothing to find (filter_empty)", image.File);
            images = [.. images.Where(image => !empty.Contains(image))];
        }
        if (images.Count == 0)
        {
            var place = _findings.CountOf(FindingKind.MissingImage) > 0 ? $": the images are looked for in {_files.Location}" : "";
            throw new UserErrorException(
                string.Join(
                    "\n  ",
                    _findings
                        .LeftOut.Select(entry => entry.ToString())
                        .Prepend($"{_what}: no image {(_options.FilterEmpty ? "with a box " : "")}is left{place}.")
                )
            );
        }
        if (images.All(image => image.Objects.Count == 0))
            _findings.Note(
                $"{_what}: {(images.Count == 1 ? "the only image has no" : $"none of the {images.Count} images has a")} box, so there is "
                    + "nothing to find."
            );
        return images;
    }
}
