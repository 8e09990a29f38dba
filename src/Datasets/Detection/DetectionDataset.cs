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
    private readonly List<AnnotatedImage> _images;
    private readonly Findings _findings;
    private readonly string _what;
    private bool _judged;

    /// <param name="what">The annotations, for messages.</param>
    /// <param name="read">What they say; every object's class is an index into its names.</param>
    private protected DetectionDataset(FileStore files, string what, AnnotationSet read, DetectionOptions options, Findings findings)
    {
        (_files, _findings, _what) = (files, findings, what);
        var labels = LabelsOf(what, read, options.Classes, out var classes);
        var images = OfClasses((read with { Images = Present(read.Images) }).Measured(files).Images, labels, read.Names, classes);
        if (options.FilterEmpty)
        {
            JudgeAtOnce(images);
            images = [.. images.Where(image => image.Objects.Any(item => !item.Crowd && !item.Difficult && item.Fault(image.Turned ? 0 : image.Height, image.Turned ? 0 : image.Width) is null))];
        }
        if (images.Count == 0) throw new UserErrorException($"{what}: no image {(options.FilterEmpty ? "with a box " : "")}is left{(findings.CountOf(FindingKind.MissingImage) > 0 ? $": the images are looked for in {files.Location}" : "")}."
            + (findings.CountOf(FindingKind.BadBox) > 0 ? $" {string.Join(" ", findings.Report())}" : ""));
        _images = images;
        if (_images.All(image => image.Objects.Count == 0)) findings.Note($"{what}: none of the {_images.Count} images has a box, so there is nothing to find.");
        Info = new DataInfo(classes, DataTask.Detection)
        {
            CategoryIds = read.CategoryIds is { } ids ? [.. classes.Select(name => ids[read.Names.ToList().IndexOf(name)])] : null,
        };
    }

    public override DataInfo Info { get; }

    public override int Count => _images.Count;

    public override Sample Get(int index)
    {
        var image = AsLoaded(_images[index]);
        var usable = image.Objects.Where(item => item.Fault(image.Height, image.Width) is null).ToArray();
        return new Sample
        {
            Index = index,
            Name = _files.Describe(image.File),
            ImageId = image.Id,
            ReadFile = () => _files.Read(image.File),
            Boxes = BoxesOf(usable, image, clip: true),
            BoxAnnotation = new BoxAnnotation(
                [.. usable.SelectMany(item => (double[])[item.X, item.Y, item.Width, item.Height])], [.. usable.Select(item => item.Class)],
                [.. usable.Select(item => item.Area ?? item.Width * item.Height)], [.. usable.Select(item => item.Crowd)], [.. usable.Select(item => item.Crowd || item.Difficult)])
            {
                ImageSize = image.Measured ? null : (image.Height, image.Width),
            },
        };
    }

    /// <summary>The boxes of a sample as its annotation has them, bad ones included.</summary>
    public Boxes Annotated(int index) => BoxesOf(_images[index].Objects, AsLoaded(_images[index]), clip: false);

    public override IReadOnlyList<int>? LabelsOf(int index)
    {
        var image = AsLoaded(_images[index]);
        return [.. image.Objects.Where(item => item.Fault(image.Height, image.Width) is null).Select(item => item.Class).Distinct().Order()];
    }

    public override IReadOnlyList<string> Check(Action<int, int>? advance = null)
    {
        if (!_judged) Judge(Images());
        _judged = true;
        var notes = _findings.Report().ToList();
        var objects = _images.Sum(image => (long)image.Objects.Count);
        var stated = Images().SelectMany(image => image.Objects.Where(item => item.IsNumbers)
            .Select(item => new StatedBox(item.X, item.Y, item.Width, item.Height, image.Height, image.Width))).ToArray();
        if (BoxJudgement.Fractions(stated) is { } fractions) throw new UserErrorException($"{_what}: {fractions}");
        if (objects > 0 && Images().All(image => image.Objects.All(item => item.Fault(image.Height, image.Width) is not null)))
            throw new UserErrorException($"{_what}: none of its {objects} boxes can be used, so there is nothing to find. {string.Join(" ", notes)}");
        if (BoxJudgement.Doubt(stated) is { } doubt) notes.Add($"{_what}: {doubt}");
        if (Pipeline.OfType<LoadImage>().FirstOrDefault() is { ChecksSize: true } load && ImageSizeCheck.Run(_files, _images, load, advance) is { } note) notes.Add(note);
        notes.AddRange(PixelDepth.Notes(this));
        return notes;
    }

    /// <summary>The images, as large as the pipeline makes them: one that was measured may lie turned where EXIF orientation is not applied.</summary>
    private IEnumerable<AnnotatedImage> Images() => _images.Select(AsLoaded);

    private AnnotatedImage AsLoaded(AnnotatedImage image) =>
        image.Turned && Pipeline.OfType<LoadImage>().FirstOrDefault() is { AppliesOrientation: false } ? image with { Height = image.Width, Width = image.Height } : image;

    private static Boxes BoxesOf(IReadOnlyList<AnnotatedObject> objects, AnnotatedImage image, bool clip)
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
        return new Boxes(corners, [.. objects.Select(item => item.Class)], [.. objects.Select(item => item.Crowd || item.Difficult)]);

        float Corner(double value, int side) => (float)(clip && side > 0 ? Math.Clamp(value, 0, side) : value);
    }

    /// <summary>The label of each category that was read; -1 for those left out.</summary>
    private static int[] LabelsOf(string what, AnnotationSet read, string[]? wanted, out string[] classes)
    {
        var names = wanted ?? [.. read.Names];
        if (names.Length == 0) throw new UserErrorException($"{what}: no object has a class, and no classes are given.");
        if (names.Distinct(StringComparer.Ordinal).Count() < names.Length) throw new UserErrorException($"{what}: the class names hold one twice.");
        if (wanted is not null && read.CategoryIds is not null && Array.Find(wanted, name => !read.Names.Contains(name)) is { } unknown)
            throw new UserErrorException($"{what} has no category \"{unknown}\".{NearestName.Suggest(unknown, read.Names)} It has: {string.Join(", ", read.Names.Take(100))}.");
        classes = names;
        return [.. read.Names.Select(name => Array.IndexOf(names, name))];
    }

    private List<AnnotatedImage> Present(IReadOnlyList<AnnotatedImage> images)
    {
        var known = _files.Names.ToHashSet(StringComparer.Ordinal);
        var present = new List<AnnotatedImage>(images.Count);
        foreach (var image in images)
        {
            if (known.Contains(image.File)) present.Add(image);
            else _findings.Add(FindingKind.MissingImage, $"{image.Source ?? $"image {image.Id}"}: {_files.Describe(image.File)} doesn't exist.");
        }
        return present;
    }

    private List<AnnotatedImage> OfClasses(IReadOnlyList<AnnotatedImage> all, int[] labels, IReadOnlyList<string> names, string[] classes)
    {
        var counts = new long[names.Count];
        var images = all.ToList();
        for (var i = 0; i < images.Count; i++)
        {
            var image = images[i];
            var kept = new List<AnnotatedObject>(image.Objects.Count);
            foreach (var item in image.Objects)
            {
                var label = item.Class < 0 ? -1 : labels[item.Class];
                if (label >= 0) kept.Add(item with { Class = label });
                else if (item.Class >= 0 && counts[item.Class]++ == 0)
                    _findings.Add(FindingKind.UnknownClass, $"{image.Describe(item)}: \"{names[item.Class]}\" is none of the classes.{NearestName.Suggest(names[item.Class], classes)}");
                else _findings.Add(FindingKind.UnknownClass, item.Class >= 0 ? $"{image.Describe(item)}: another \"{names[item.Class]}\"." : $"{image.Describe(item)}: it has no class.");
            }
            images[i] = image with { Objects = kept };
        }
        if (counts.Any(count => count > 0))
            _findings.Note($"Objects of other classes: {string.Join(", ", names.Select((name, i) => (name, counts[i])).Where(entry => entry.Item2 > 0).Take(20).Select(entry => string.Create(CultureInfo.InvariantCulture, $"{entry.name} ({entry.Item2:N0})")))}.");
        return images;
    }

    /// <summary>Before images without a usable box are left out: their boxes are told of, too.</summary>
    private void JudgeAtOnce(List<AnnotatedImage> images)
    {
        Judge(images.Select(image => image.Turned ? image with { Height = 0, Width = 0 } : image));
        _judged = true;
    }

    private void Judge(IEnumerable<AnnotatedImage> images)
    {
        var (clipped, first) = (0L, "");
        foreach (var image in images)
        {
            foreach (var item in image.Objects)
            {
                if (item.Fault(image.Height, image.Width) is { } fault)
                {
                    _findings.Add(FindingKind.BadBox, image.FaultText(item, fault));
                }
                else if (image.Height > 0 && item.Leaves(image.Height, image.Width) && clipped++ == 0)
                {
                    first = image.Describe(item);
                }
            }
        }
        if (clipped > 0) _findings.Note(string.Create(CultureInfo.InvariantCulture, $"{clipped:N0} boxes reach beyond their image and are clipped to it. The first: {first}."));
    }
}
