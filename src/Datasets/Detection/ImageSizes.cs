using System.Globalization;
using Microsoft.Extensions.Logging;
using Tessera.Datasets.Images;
using Tessera.Datasets.Storage;
using Tessera.Framework.Messages;

namespace Tessera.Datasets.Detection;

/// <summary>Sizes of images from their headers, for annotations that lack them. What was read is remembered in the user's cache folder, and
/// good as long as a file's length and time are the same.</summary>
internal sealed class ImageSizes(FileStore files)
{
    private const int Start = 1 << 16; // a JPEG's size stands behind its EXIF data
    private const int FewestForCache = 1000;
    private static readonly TimeSpan s_pause = TimeSpan.FromSeconds(10);
    private static readonly ILogger s_log = Log.For(Log.Run);

    /// <summary>Each with its size; 0 x 0 where it can't be read, which is told when the image is.</summary>
    public AnnotatedImage[] Of(IReadOnlyList<AnnotatedImage> images)
    {
        var unknown = images.Count(image => image is not { Height: > 0, Width: > 0 });
        var cache = unknown < FewestForCache ? null : FactCache.Open("sizes", "tessera sizes 1", files.Location, "");
        var (done, told) = (0, Environment.TickCount64);
        AnnotatedImage[] measured =
        [
            .. images.AsParallel().AsOrdered().Select(image => image is { Height: > 0, Width: > 0 } ? image : Counted(Of(image, cache))),
        ];
        cache?.Save();
        return measured;

        AnnotatedImage Counted(AnnotatedImage image)
        {
            var count = Interlocked.Increment(ref done);
            var last = Volatile.Read(ref told);
            if (
                Environment.TickCount64 - last > s_pause.TotalMilliseconds
                && Interlocked.CompareExchange(ref told, Environment.TickCount64, last) == last
            )
                s_log.LogInformation(
                    "{0}: the sizes of {1} of {2} images are read from their headers.",
                    files.Location,
                    count.ToString("N0", CultureInfo.InvariantCulture),
                    unknown.ToString("N0", CultureInfo.InvariantCulture)
                );
            return image;
        }
    }

    private AnnotatedImage Of(AnnotatedImage image, FactCache? cache)
    {
        var stamp = cache is null ? "" : files.StampOf(image.File).ToString();
        if (
            cache?.Find(image.File)?.Split(' ') is [var known, var rows, var columns, var turned]
            && known == stamp
            && int.TryParse(rows, CultureInfo.InvariantCulture, out var height)
            && int.TryParse(columns, CultureInfo.InvariantCulture, out var width)
            && height > 0
            && width > 0
        )
            return image with { Height = height, Width = width, Measured = true, Turned = turned == "1" };
        try
        {
            var measured = Read(image);
            cache?.Set(
                image.File,
                string.Create(CultureInfo.InvariantCulture, $"{stamp} {measured.Height} {measured.Width} {(measured.Turned ? 1 : 0)}")
            );
            return measured;
        }
        catch (UserErrorException)
        {
            return image with { Height = 0, Width = 0, Measured = true };
        }
    }

    private AnnotatedImage Read(AnnotatedImage image)
    {
        var start = files.ReadStart(image.File, Start);
        if (start.Length == Start && ImageCodec.Detect(start.Span) == ImageFormat.Jpeg)
            try
            {
                return Read(image, start);
            }
            catch (UserErrorException) { } // the header may be longer
        return Read(image, start.Length < Start ? start : files.Read(image.File));
    }

    private static AnnotatedImage Read(AnnotatedImage image, ReadOnlyMemory<byte> file)
    {
        var header = ImageCodec.Open(file, image.File);
        return image with { Height = header.Height, Width = header.Width, Measured = true, Turned = ImageCodec.IsTurned(file, image.File) };
    }
}
