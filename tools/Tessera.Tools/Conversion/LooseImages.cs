using System.Globalization;
using System.Text;
using Tessera.Datasets.Detection;
using Tessera.Datasets.Images;
using Tessera.Datasets.Storage;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Messages;
using Tessera.Tools.Output;

namespace Tessera.Tools.Conversion;

/// <summary>Images of a folder or an archive, whose annotations (if any) lie beside them.</summary>
/// <param name="files">Images and annotations.</param>
/// <param name="findings">Told what can't be used.</param>
internal sealed class LooseImages(FileStore files, Findings findings)
{
    public FileStore Files => files;

    public Findings Findings => findings;

    /// <summary>Every file that can be an image, in ordinal order; images of formats that can't be read are counted.</summary>
    /// <exception cref="UserErrorException">There are none.</exception>
    public string[] Names()
    {
        var unreadable = new LeftOutCounter();
        foreach (var name in files.Names)
        {
            if (ImageCodec.UnreadableFormat(name) is not { } format)
                continue;
            unreadable.Add(LeftOutKind.Image, $"{format} files, which can't be read", files.Describe(name));
            findings.LeaveOut(LeftOutKind.Image, $"{format} files, which can't be read", files.Describe(name));
        }
        var names = files.Names.Where(ImageCodec.HasExtension).ToArray();
        return names.Length > 0
            ? names
            : throw new UserErrorException(
                string.Join(
                    "\n  ",
                    unreadable
                        .Counted.Select(entry => entry.ToString())
                        .Prepend($"{files.Location} holds no images ({string.Join(", ", ImageCodec.Extensions)}).")
                )
            );
    }

    /// <summary>The images, each with what its annotation says.</summary>
    /// <exception cref="UserErrorException">None of them can be read.</exception>
    public List<AnnotatedImage> Read(Func<AnnotatedImage, AnnotatedImage> annotate)
    {
        var names = Names();
        var images = new List<AnnotatedImage>(names.Length);
        var advance = new Advance("reading");
        for (var i = 0; i < names.Length; i++)
        {
            try
            {
                images.Add(annotate(Measure(names[i])));
            }
            catch (UserErrorException e)
            {
                findings.Add(FindingKind.BadFile, e.Message);
            }
            advance.Report(i + 1, names.Length);
        }
        return images;
    }

    /// <summary>An image with its size, turned as its EXIF orientation says, as annotation tools show it.</summary>
    public AnnotatedImage Measure(string name)
    {
        var header = ImageCodec.Open(files.Read(name), files.Describe(name));
        return new AnnotatedImage(name, header.Height, header.Width, []);
    }

    /// <summary>A text file's lines; none of an empty one.</summary>
    /// <param name="anyBytes">Read what is no UTF-8 as well as may be.</param>
    /// <exception cref="UserErrorException">It is no UTF-8, with the line.</exception>
    public string[] Lines(string name, bool anyBytes = false)
    {
        if (files.LengthOf(name) == 0)
            return [];
        var bytes = files.Read(name).Span;
        return Lines(anyBytes ? Encoding.UTF8.GetString(bytes) : Utf8Text.Read(bytes, files.Describe(name)));
    }

    /// <summary>The lines of a text file that lies anywhere.</summary>
    public static string[] LinesOf(string path) => Lines(Utf8Text.Read(ImageCodec.ReadFile(path), path));

    private static string[] Lines(string text) => text.TrimStart('\uFEFF').ReplaceLineEndings("\n").Split('\n');

    /// <summary>The box around points.</summary>
    /// <param name="points">x, y, x, y, …</param>
    public static (double X1, double Y1, double X2, double Y2) Outline(double[] points)
    {
        var (xs, ys) = (points.Where((_, i) => i % 2 == 0).ToArray(), points.Where((_, i) => i % 2 == 1).ToArray());
        return (xs.Min(), ys.Min(), xs.Max(), ys.Max());
    }

    public static double Number(string word) =>
        double.TryParse(word, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) ? value : double.NaN;
}
