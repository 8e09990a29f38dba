using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Tessera.Framework.Hooks;
using Tessera.Framework.Logging;
using Tessera.Framework.Messages;

namespace Tessera.Tests.Framework.Logging;

public class LoggingTests
{
    [Fact]
    public void ScalarLog_Rows_AreJsonLines()
    {
        using var folder = new TemporaryFolder();
        using (var log = new ScalarLog(folder.At("scalars.jsonl")))
        {
            log.Write(
                "train",
                50,
                0,
                new Dictionary<string, double>
                {
                    ["loss"] = 1.5,
                    ["lr"] = 0.1,
                    ["bad"] = double.NaN,
                }
            );
            log.Write("val", 60, 1, new Dictionary<string, double> { ["accuracy/top1"] = 0.25 });
        }
        Assert.Equal(
            [
                """{"kind":"train","iteration":50,"epoch":0,"loss":1.5,"lr":0.1,"bad":null}""",
                """{"kind":"val","iteration":60,"epoch":1,"accuracy/top1":0.25}""",
            ],
            File.ReadAllLines(folder.At("scalars.jsonl"))
        );
    }

    [Fact]
    public void Cut_RowsAfterTheCheckpointAndAHalfRow_AreRemovedFromEveryFile()
    {
        using var folder = new TemporaryFolder();
        foreach (var (name, first) in new[] { ("20260101_000000", 10), ("20260102_000000", 40) })
        {
            Directory.CreateDirectory(folder.At(name));
            using var log = new ScalarLog(folder.At(name, ScalarLog.FileName));
            for (var i = 0; i < 3; i++)
                log.Write("train", first + i * 10, 0, new Dictionary<string, double>());
        }
        File.AppendAllText(folder.At("20260102_000000", ScalarLog.FileName), """{"kind":"train","iterat""");
        Assert.Equal(3, ScalarLog.Cut(folder.Path, 40)); // 50, 60 and the half one
        Assert.Equal([10, 20, 30], Iterations(folder.At("20260101_000000", ScalarLog.FileName)));
        Assert.Equal([40], Iterations(folder.At("20260102_000000", ScalarLog.FileName)));
        Assert.Equal(0, ScalarLog.Cut(folder.Path, 40));
        Assert.Empty(Directory.GetFiles(folder.Path, "*.tmp", SearchOption.AllDirectories));
    }

    [Fact]
    public void MaskedCrc_KnownValue_MatchesTheDefinition()
    {
        // CRC-32C of "123456789" is E3069283 (RFC 3720, B.4's polynomial; the usual check value);
        // masked: rotated right by 15, then + A282EAD8: E3069283 >>> 15 = 2507C60D, + A282EAD8 = C78AB0E5.
        Assert.Equal(0xC78AB0E5u, TensorBoardWriter.MaskedCrc("123456789"u8));
    }

    [Fact]
    public void TensorBoard_File_HoldsTheEvents()
    {
        using var folder = new TemporaryFolder();
        string path;
        using (var writer = new TensorBoardWriter(folder.Path, resumeFrom: 20))
        {
            path = writer.Path;
            writer.Scalars(300, [new("train/loss", 0.5), new("train/lr", 0.1)]);
        }
        Assert.Contains(".tfevents.", Path.GetFileName(path), StringComparison.Ordinal);
        var records = Records(File.ReadAllBytes(path)).ToList();
        Assert.Equal(3, records.Count);
        Assert.EndsWith("brain.Event:2", Encoding.UTF8.GetString(records[0]), StringComparison.Ordinal);
        // Event { step (field 2) = 21, session_log (field 7) { status (field 1) = START (1) } }: TensorBoard drops steps from 21.
        Assert.Equal([0x10, 21, 0x3A, 2, 0x08, 1], records[1][9..]);
        // Event { step = 300 (varint AC 02), summary (5) { value (1) { tag (1), simple_value (2, fixed 32) } … } }
        byte[] loss = [0x0A, 10, .. "train/loss"u8, 0x15, 0, 0, 0, 0x3F];
        byte[] rate = [0x0A, 8, .. "train/lr"u8, 0x15, 0xCD, 0xCC, 0xCC, 0x3D];
        Assert.Equal(
            [
                0x10,
                0xAC,
                0x02,
                0x2A,
                (byte)(loss.Length + rate.Length + 4),
                0x0A,
                (byte)loss.Length,
                .. loss,
                0x0A,
                (byte)rate.Length,
                .. rate,
            ],
            records[2][9..]
        );
    }

    [Fact]
    public void TensorBoard_PicturesAndOddValues_AreTheseBytes()
    {
        using var folder = new TemporaryFolder();
        string path;
        var png = Enumerable.Range(0, 300).Select(i => (byte)i).ToArray();
        using (var writer = new TensorBoardWriter(folder.Path))
        {
            path = writer.Path;
            writer.Image(1, "B\u00E4ume/\U0001F333", 0, 640, 3, png);
            writer.Scalars(-1, [new("", double.NaN), new("a\uD800b", double.MaxValue)]); // half a surrogate pair becomes U+FFFD
            writer.Scalars(long.MaxValue, []);
        }
        var records = Records(File.ReadAllBytes(path)).ToList();
        Assert.Equal(4, records.Count);
        Assert.All(records, record => Assert.Equal(0x09, record[0])); // wall_time (1, fixed 64)
        Assert.All(
            records,
            record =>
                Assert.InRange(
                    BitConverter.ToDouble(record, 1),
                    DateTimeOffset.UtcNow.ToUnixTimeSeconds() - 600,
                    DateTimeOffset.UtcNow.ToUnixTimeSeconds() + 1
                )
        );
        // file_version (3)
        Assert.Equal([0x1A, 13, .. "brain.Event:2"u8], records[0][9..]);
        // Image { height (1) = 0, which is written all the same; width (2) = 640; colorspace (3) = 3; encoded (4), 300 bytes }
        byte[] image = [0x08, 0, 0x10, 0x80, 0x05, 0x18, 3, 0x22, 0xAC, 0x02, .. png];
        byte[] tag = [0x0A, 11, 0x42, 0xC3, 0xA4, 0x75, 0x6D, 0x65, 0x2F, 0xF0, 0x9F, 0x8C, 0xB3];
        Assert.Equal(310, image.Length); // B6 02; with its tag 326 (C6 02), and that with its head 329 (C9 02)
        Assert.Equal([0x10, 1, 0x2A, 0xC9, 0x02, 0x0A, 0xC6, 0x02, .. tag, 0x22, 0xB6, 0x02, .. image], records[1][9..]);
        // step -1 takes ten bytes; NaN as .NET has it; a double beyond float's range is infinite.
        Assert.Equal(
            [
                0x10,
                0xFF,
                0xFF,
                0xFF,
                0xFF,
                0xFF,
                0xFF,
                0xFF,
                0xFF,
                0xFF,
                1,
                0x2A,
                23,
                0x0A,
                7,
                0x0A,
                0,
                0x15,
                0,
                0,
                0xC0,
                0xFF,
                0x0A,
                12,
                0x0A,
                5,
                0x61,
                0xEF,
                0xBF,
                0xBD,
                0x62,
                0x15,
                0,
                0,
                0x80,
                0x7F,
            ],
            records[2][9..]
        );
        Assert.Equal([0x10, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F, 0x2A, 0], records[3][9..]);
    }

    [Fact]
    public void RunLog_ARun_WritesLogScalarsAndEvents()
    {
        using var folder = new TemporaryFolder();
        string run;
        using (var log = RunLog.Start(folder.Path))
        {
            run = log.Folder;
            Log.For("Tessera.test").LogInformation("the marker {0}", 42);
            log.Progress(1, 10);
            log.Report(new ProgressReport(5, 10, 0, 2, 123.4, 0.05, null, new Dictionary<string, double> { ["loss"] = 0.5 }));
            log.Scalars("train", 5, 0, new Dictionary<string, double> { ["loss"] = 0.5 });
        }
        Log.For("Tessera.test").LogInformation("after the end");
        var text = File.ReadAllText(Path.Combine(run, Path.GetFileName(run) + ".log"));
        Assert.Contains("INFO  test  the marker 42", text, StringComparison.Ordinal);
        Assert.Contains("epoch 1/2  iter 5/10  loss 0.5  123.4 img/s  data 5 %", text, StringComparison.Ordinal);
        Assert.DoesNotContain("after the end", text, StringComparison.Ordinal);
        Assert.Equal([5], Iterations(Path.Combine(run, ScalarLog.FileName)));
        Assert.Single(Directory.GetFiles(folder.At("tensorboard")));

        // A second run within the second gets a folder of its own; a resumed one cuts what it will write again.
        using var second = RunLog.Start(folder.Path, resumeFrom: 4);
        Assert.NotEqual(run, second.Folder);
        Assert.Empty(Iterations(Path.Combine(run, ScalarLog.FileName)));
    }

    [Fact]
    public void RunLog_OtherRanks_WriteNothing()
    {
        using var folder = new TemporaryFolder();
        using (var log = RunLog.Start(folder.Path, writes: false))
        {
            log.Progress(1, 2);
            log.Scalars("train", 1, 0, new Dictionary<string, double> { ["loss"] = 1 });
            log.Report(new ProgressReport(1, 2, 0, 1, 1, 0, null, new Dictionary<string, double>()));
        }
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder.Path));
    }

    [Theory]
    [InlineData(0, "0")]
    [InlineData(0.81234, "0.8123")]
    [InlineData(312.04, "312.04")]
    [InlineData(0.00005, "5e-05")]
    [InlineData(1234567, "1.235e+06")]
    [InlineData(double.NaN, "NaN")]
    public void Number_Values_AreShort(double value, string expected) => Assert.Equal(expected, ProgressReport.Number(value));

    [Fact]
    public void ToLine_Remaining_IsInHours()
    {
        var report = new ProgressReport(
            50,
            100,
            1,
            2,
            312,
            0.031,
            1_500_000_000,
            new Dictionary<string, double> { ["loss"] = 1.25, ["lr"] = 0.05 }
        );
        Assert.Equal(
            "epoch 2/2  iter 50/100  loss 1.25  lr 0.05  312 img/s  data 3 %  memory 1.5 GB  eta 26:03:04",
            report.ToLine(new TimeSpan(1, 2, 3, 4))
        );
    }

    private static List<long> Iterations(string path) =>
        [.. File.ReadLines(path).Select(line => JsonDocument.Parse(line).RootElement.GetProperty("iteration").GetInt64())];

    private static IEnumerable<byte[]> Records(byte[] file)
    {
        for (var at = 0; at < file.Length; )
        {
            var length = (int)BinaryPrimitives.ReadInt64LittleEndian(file.AsSpan(at));
            Assert.Equal(Masked(file.AsSpan(at, 8)), BinaryPrimitives.ReadUInt32LittleEndian(file.AsSpan(at + 8)));
            var data = file[(at + 12)..(at + 12 + length)];
            Assert.Equal(Masked(data), BinaryPrimitives.ReadUInt32LittleEndian(file.AsSpan(at + 12 + length)));
            yield return data;
            at += length + 16;
        }
    }

    // CRC-32C bit by bit, as the definition has it.
    private static uint Masked(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        foreach (var value in bytes)
        {
            crc ^= value;
            for (var bit = 0; bit < 8; bit++)
                crc = (crc & 1) != 0 ? (crc >> 1) ^ 0x82F63B78 : crc >> 1;
        }
        crc = ~crc;
        return unchecked(((crc >> 15) | (crc << 17)) + 0xA282EAD8);
    }
}
