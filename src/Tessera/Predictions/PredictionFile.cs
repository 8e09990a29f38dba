using System.Text;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;

namespace Tessera.Predictions;

/// <summary>The predictions of an evaluation, as tools/train and tools/test store them in a work dir, read back.</summary>
/// <remarks>Scores, values and boxes are the very numbers that the metrics saw. docs/tools.md has every field of the file.</remarks>
/// <example><code>
/// var file = PredictionFile.Open("work_dirs/pets");
/// foreach (var image in file.Images)
///     if (image.Load() is ClassPrediction found)
///         Console.WriteLine($"{image.Image}: {file.Data.Classes[found.Label]}, truly {file.Data.Classes[image.Truth.Label ?? 0]}");
/// </code></example>
public sealed class PredictionFile
{
    private PredictionFile(
        string path,
        PredictionHeader header,
        IReadOnlyList<StoredPrediction> images,
        IReadOnlyDictionary<string, double> metrics
    ) => (FullName, Header, Images, Metrics) = (path, header, images, metrics);

    /// <summary>The file.</summary>
    public string FullName { get; }

    /// <summary>What it says of all images.</summary>
    public PredictionHeader Header { get; }

    /// <summary>Task and class names.</summary>
    public DataInfo Data => Header.Data;

    /// <summary>In the data set's order; images that could not be read are missing.</summary>
    public IReadOnlyList<StoredPrediction> Images { get; }

    /// <summary>The evaluation's values by name; NaN where one was undefined.</summary>
    public IReadOnlyDictionary<string, double> Metrics { get; }

    /// <summary>One name for images and truth: equal for two files where they are the same.</summary>
    public string DataHash => field ??= TruthHash.Of(Images.Select(image => (image.Image, image.TruthHash)));

    /// <param name="path">A file, a work dir, or the folder "predictions" in it: then those of test, or of val where there is no
    /// test.</param>
    /// <param name="part">Of a work dir: only "val" or "test".</param>
    /// <exception cref="UserErrorException">There is none, or it is damaged; the message names the line.</exception>
    public static PredictionFile Open(string path, string? part = null)
    {
        var file = PredictionFolder.Find(path, part) ?? throw PredictionErrors.NoFile(path, part);
        try
        {
            var reader = new PredictionReader(file);
            var (header, images, metrics) = reader.Read();
            return new PredictionFile(file, header, images, metrics);
        }
        catch (IOException error)
        {
            throw CannotRead(file, error);
        }
    }

    /// <summary>What a file says of all images, by its first line alone.</summary>
    /// <param name="path">As for <see cref="Open"/>.</param>
    /// <exception cref="UserErrorException">There is none, or its first line is damaged.</exception>
    public static PredictionHeader ReadHeader(string path, string? part = null)
    {
        var file = PredictionFolder.Find(path, part) ?? throw PredictionErrors.NoFile(path, part);
        try
        {
            return new PredictionReader(file).ReadHeader();
        }
        catch (IOException error)
        {
            throw CannotRead(file, error);
        }
    }

    private static UserErrorException CannotRead(string file, IOException error) =>
        new($"{file}: it can't be read: {error.Message}", error);

    /// <summary>Whether a file is of this format, by its first bytes.</summary>
    public static bool Is(string path)
    {
        if (!Path.GetExtension(path).Equals(PredictionFolder.Ending, StringComparison.OrdinalIgnoreCase))
            return false;
        using var stream = File.OpenRead(path);
        var start = new byte[64];
        var read = stream.ReadAtLeast(start, start.Length, throwOnEndOfStream: false);
        return start.AsSpan(0, read).StartsWith(Encoding.UTF8.GetBytes($"{{\"{PredictionKeys.Format}\":"));
    }
}
