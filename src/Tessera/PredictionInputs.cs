using System.Numerics;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;

namespace Tessera;

/// <summary>Images to be predicted, as a data set without truth.</summary>
internal sealed class PredictionInputs(IReadOnlyList<Func<Sample>> samples, DataInfo info) : Dataset
{
    public override int Count => samples.Count;

    public override DataInfo Info => info;

    public override Sample Get(int index) => samples[index]();
}

/// <summary>Images as samples, before any transform.</summary>
public static class PredictionInput
{
    private const long MostBytes = 1L << 30;

    /// <summary>An image's file, unread.</summary>
    public static Sample File(long index, string path) =>
        new()
        {
            Index = index,
            Name = path,
            ReadFile = () => System.IO.File.ReadAllBytes(path),
        };

    /// <summary>An image file in memory.</summary>
    internal static Sample Encoded(long index, ReadOnlyMemory<byte> file, string name) =>
        new()
        {
            Index = index,
            Name = name,
            ReadFile = () => file,
        };

    /// <summary>An image file from a stream, which is read to its end now.</summary>
    /// <exception cref="UserErrorException">It holds more than any image file, or can't be read.</exception>
    internal static Sample FromStream(long index, Stream stream, string name)
    {
        using var file = new MemoryStream();
        var part = new byte[1 << 16];
        try
        {
            for (int read; (read = stream.Read(part)) > 0; file.Write(part, 0, read))
                RequireRoom(file.Length + read, name);
        }
        catch (IOException error)
        {
            throw Unreadable(name, error);
        }
        return Encoded(index, file.ToArray(), name);
    }

    /// <summary>Reads a stream to its end.</summary>
    /// <exception cref="UserErrorException">It holds more than any image file, or can't be read.</exception>
    internal static async Task<ReadOnlyMemory<byte>> ReadAsync(Stream stream, string name, CancellationToken cancellation)
    {
        using var file = new MemoryStream();
        var part = new byte[1 << 16];
        try
        {
            for (int read; (read = await stream.ReadAsync(part, cancellation).ConfigureAwait(false)) > 0; file.Write(part, 0, read))
                RequireRoom(file.Length + read, name);
        }
        catch (IOException error)
        {
            throw Unreadable(name, error);
        }
        return file.ToArray();
    }

    private static void RequireRoom(long bytes, string name)
    {
        if (bytes > MostBytes)
            throw new UserErrorException($"{name}: the stream holds more than {MostBytes >> 20} MiB, which no image file should.");
    }

    private static UserErrorException Unreadable(string name, IOException error) =>
        new($"{name}: the stream can't be read: {error.Message}", error);

    /// <summary>An image in memory (RGB).</summary>
    public static Sample InMemory(long index, Image image) =>
        new()
        {
            Index = index,
            Name = "image",
            Image = new(image),
            Geometry = new Geometry(image.Height, image.Width, Matrix3x2.Identity),
        };
}
