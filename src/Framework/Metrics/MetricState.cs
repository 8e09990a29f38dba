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

    public static void Read(ReadOnlySpan<byte> saved, Action<BinaryReader> read)
    {
        using var reader = new BinaryReader(new MemoryStream(saved.ToArray()));
        read(reader);
    }
}
