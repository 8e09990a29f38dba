using System.Diagnostics;
using System.Globalization;
using Tessera.Datasets.Images;
using Tessera.Datasets.Storage;
using Tessera.Datasets.Transforms;

namespace Tessera.Datasets.Detection;

/// <summary>Compares the sizes that annotations name with those of the images, all at once: one run tells of all that differ.</summary>
internal static class ImageSizeCheck
{
    private const int Shown = 6;
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(10);

    /// <returns>A note where there were too many images to look at all; null otherwise.</returns>
    /// <exception cref="UserErrorException">Some images have another size than their annotation says.</exception>
    public static string? Run(FileStore files, IReadOnlyList<AnnotatedImage> images, LoadImage load, Action<int, int>? advance)
    {
        var annotated = images.Where(image => !image.Measured && image is { Height: > 0, Width: > 0 }).ToArray();
        var differing = new List<(int At, AnnotatedImage Image, EncodedSize Size)>();
        var (watch, done) = (Stopwatch.StartNew(), 0);
        Parallel.ForEach(
            Spread(annotated.Length),
            (at, state) =>
            {
                if (watch.Elapsed > s_limit)
                {
                    state.Stop();
                    return;
                }
                var size = SizeOf(files, annotated[at]);
                lock (differing)
                {
                    if (size is { } known && known.As(load.AppliesOrientation) != (annotated[at].Height, annotated[at].Width))
                        differing.Add((at, annotated[at], known));
                    advance?.Invoke(++done, annotated.Length);
                }
            }
        );
        if (differing.Count > 0)
            throw new UserErrorException(
                Text(
                    files,
                    [.. differing.OrderBy(entry => entry.At).Select(entry => (entry.Image, entry.Size))],
                    done,
                    load.AppliesOrientation
                )
            );
        return done < annotated.Length && done > 0
            ? string.Create(
                CultureInfo.InvariantCulture,
                $"{done:N0} of {annotated.Length:N0} images were compared with the sizes that their annotations name, in "
                    + $"{s_limit.TotalSeconds:0} s; none differs."
            )
            : null;
    }

    /// <summary>Every place once; the first few are spread over all.</summary>
    private static IEnumerable<int> Spread(int count)
    {
        const int Stride = 61;
        for (var first = 0; first < Math.Min(Stride, count); first++)
        for (var at = first; at < count; at += Stride)
            yield return at;
    }

    private static EncodedSize? SizeOf(FileStore files, AnnotatedImage image)
    {
        try
        {
            var bytes = files.Read(image.File);
            var (shown, stored) = (
                ImageCodec.Open(bytes, image.File),
                ImageCodec.Open(bytes, image.File, new DecodeOptions(ApplyOrientation: false))
            );
            return new EncodedSize((shown.Height, shown.Width), (stored.Height, stored.Width));
        }
        catch (UserErrorException)
        {
            return null; // told of when it is read
        }
    }

    /// <summary>Rows and columns as shown, EXIF orientation applied, and as stored.</summary>
    private readonly record struct EncodedSize((int Height, int Width) Shown, (int Height, int Width) Stored)
    {
        public (int Height, int Width) As(bool shown) => shown ? Shown : Stored;
    }

    private static string Text(FileStore files, (AnnotatedImage Image, EncodedSize Size)[] differing, int looked, bool oriented)
    {
        var lines = differing
            .Take(Shown)
            .Select(entry =>
            {
                var (height, width) = entry.Size.As(oriented);
                return $"{files.Describe(entry.Image.File)}: the image is {width} x {height} pixels, its annotation was made for "
                    + $"{entry.Image.Width} x {entry.Image.Height}.";
            })
            .ToList();
        if (differing.Length > Shown)
            lines.Add(string.Create(CultureInfo.InvariantCulture, $"… and {differing.Length - Shown:N0} more."));
        var exif = differing.Count(entry => entry.Size.As(!oriented) == (entry.Image.Height, entry.Image.Width));
        if (exif > 0)
        {
            lines.Add(
                oriented
                    ? string.Create(
                        CultureInfo.InvariantCulture,
                        $"{exif:N0} of them were annotated without their EXIF orientation: \"apply_orientation\": false in LoadImage "
                            + $"leaves the images as they are stored."
                    )
                    : string.Create(
                        CultureInfo.InvariantCulture,
                        $"{exif:N0} of them were annotated as their EXIF orientation shows them: leave out \"apply_orientation\": "
                            + $"false in LoadImage."
                    )
            );
        }
        else if (Factor(differing, oriented) is { } factor)
        {
            lines.Add(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"All of them are {factor:0.####} times as large as annotated: were the images resized, and the annotations not?"
                )
            );
        }
        lines.Add("Boxes would lie elsewhere. Mend the one or the other, or set \"check_size\": false in LoadImage.");
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{differing.Length:N0} of {looked:N0} images have another size than their annotations say:\n  {string.Join("\n  ", lines)}"
        );
    }

    private static double? Factor((AnnotatedImage Image, EncodedSize Size)[] differing, bool oriented)
    {
        var factors = differing
            .SelectMany(entry =>
                (double[])
                    [(double)entry.Size.As(oriented).Width / entry.Image.Width, (double)entry.Size.As(oriented).Height / entry.Image.Height]
            )
            .ToArray();
        var mean = factors.Average();
        return factors.All(factor => Math.Abs(factor - mean) < 0.02 * mean) ? mean : null;
    }
}
