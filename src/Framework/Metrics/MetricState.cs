namespace Tessera.Framework.Metrics;

/// <summary>What a metric gathered, as bytes between processes of one run.</summary>
internal static class MetricState
{
    public static byte[] Write(Action<BinaryWriter> write)
    {
        using var stream = new MemoryStream();
        using (var writer = new BinaryWriter(stream))
            write(writer);
        return stream.ToArray();
    }

    /// <summary>Counts of images, each image's by its place in the data.</summary>
    public static byte[] Write<T>(IReadOnlyCollection<(long Index, T[] Counts)> images, Action<BinaryWriter, T> write) =>
        Write(writer =>
        {
            writer.Write(images.Count);
            foreach (var (index, counts) in images)
            {
                writer.Write(index);
                writer.Write(counts.Length);
                foreach (var count in counts)
                    write(writer, count);
            }
        });

    /// <summary>Adds what <see cref="Write{T}"/> saved.</summary>
    public static void Read<T>(ReadOnlySpan<byte> saved, ICollection<(long Index, T[] Counts)> images, Func<BinaryReader, T> read) =>
        Read(
            saved,
            reader =>
            {
                for (var left = reader.ReadInt32(); left > 0; left--)
                {
                    var index = reader.ReadInt64();
                    var counts = new T[reader.ReadInt32()];
                    for (var i = 0; i < counts.Length; i++)
                        counts[i] = read(reader);
                    images.Add((index, counts));
                }
            }
        );

    public static void Read(ReadOnlySpan<byte> saved, Action<BinaryReader> read)
    {
        using var reader = new BinaryReader(new MemoryStream(saved.ToArray()));
        read(reader);
    }
}
