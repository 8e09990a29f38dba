using System.Text;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Torch;

namespace Tessera.Predictions;

/// <summary>What a process other than the first has predicted, until the first one takes it over; in a temporary file.</summary>
internal sealed class PredictionSpool(PredictionEncoder encoder) : IDisposable
{
    private const int ChunkBytes = 4 << 20;

    private readonly FileStream _stream = new(
        Path.Combine(Path.GetTempPath(), Path.GetRandomFileName()),
        FileMode.CreateNew,
        FileAccess.ReadWrite,
        FileShare.None,
        1 << 16,
        FileOptions.DeleteOnClose
    );
    private string? _failure;

    public void Write(Sample sample, Prediction prediction)
    {
        if (_failure is not null || prediction is ScorePrediction)
            return;
        try
        {
            Write(_stream, encoder.Encode(sample, prediction));
        }
        catch (Exception error) when (error is UserErrorException or IOException)
        {
            _failure = error.Message;
        }
    }

    /// <summary>Brings what all processes have to the first one, a few megabytes at a time. All call it together.</summary>
    /// <param name="spool">This process's; null on the first.</param>
    /// <param name="recorder">The first process's.</param>
    public static void Gather(IProcessGroup group, PredictionSpool? spool, PredictionRecorder? recorder)
    {
        if (group.AllGather(Encoding.UTF8.GetBytes(spool?._failure ?? "")).FirstOrDefault(failure => failure.Length > 0) is { } text)
        {
            recorder?.Fail(Encoding.UTF8.GetString(text));
            return;
        }
        spool?._stream.Seek(0, SeekOrigin.Begin);
        while (true)
        {
            var chunks = group.AllGather(spool?.Chunk() ?? []);
            if (chunks.All(chunk => chunk.Length == 0))
                return;
            foreach (var chunk in chunks)
            foreach (var image in Read(chunk))
                recorder?.Write(image);
        }
    }

    public void Dispose() => _stream.Dispose();

    private static void Write(Stream stream, EncodedPrediction image)
    {
        using var writer = new BinaryWriter(stream, Encoding.UTF8, leaveOpen: true);
        writer.Write(8 + 4 + 4 + image.Line.Length + image.Beside.Length);
        writer.Write(image.Index);
        writer.Write(image.Line.Length);
        writer.Write(image.Beside.Length);
        writer.Write(image.Line);
        writer.Write(image.Beside);
    }

    /// <summary>Whole images, one at least; empty at the end.</summary>
    private byte[] Chunk()
    {
        using var chunk = new MemoryStream();
        Span<byte> length = stackalloc byte[sizeof(int)];
        while (chunk.Length < ChunkBytes && _stream.Position < _stream.Length)
        {
            _stream.ReadExactly(length);
            var image = new byte[BitConverter.ToInt32(length)];
            _stream.ReadExactly(image);
            chunk.Write(length);
            chunk.Write(image);
        }
        return chunk.ToArray();
    }

    private static IEnumerable<EncodedPrediction> Read(byte[] chunk)
    {
        using var reader = new BinaryReader(new MemoryStream(chunk));
        while (reader.BaseStream.Position < chunk.Length)
        {
            _ = reader.ReadInt32();
            var index = reader.ReadInt64();
            var (line, beside) = (reader.ReadInt32(), reader.ReadInt32());
            yield return new EncodedPrediction(index, reader.ReadBytes(line), reader.ReadBytes(beside));
        }
    }
}
