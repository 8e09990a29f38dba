using System.Security.Cryptography;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Errors;
using static Tessera.Tests.Framework.Checkpoints.CheckpointStoreTests;
using static TorchSharp.torch;

namespace Tessera.Tests.Framework.Checkpoints;

/// <summary>Saving on a disk that is full, or forgets.</summary>
public sealed class FullDiskTests
{
    [LinuxFact]
    public void Save_DiskFullForReal_LeavesTheOldIntact()
    {
        using var folder = new TemporaryFolder();
        using var model = new TinyModel();
        new CheckpointStore(folder.Path).Save("epoch_1", State(model), Info(model));
        // The kernel's own "no space left on device".
        var full = new CheckpointStore(
            folder.Path,
            1,
            path =>
            {
                File.WriteAllText(path, "begun");
                return new FileStream("/dev/full", FileMode.Open, FileAccess.Write, FileShare.ReadWrite, 1);
            }
        );
        var error = Assert.Throws<UserErrorException>(() => full.Save("epoch_2", State(model), Info(model, 2)));
        Assert.Contains("The disk is full", error.Message, StringComparison.Ordinal);
        Assert.Contains("untouched", error.Message, StringComparison.Ordinal);
        Assert.Equal(["epoch_1.safetensors"], Files(folder));
        using var latest = Checkpoint.Open(full.Latest!);
        Assert.Equal(1, latest.Info.Epoch);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(0.3)]
    [InlineData(0.999)]
    public void Save_DiskFullAfterSomeBytes_LeavesNothingBehind(double share)
    {
        using var folder = new TemporaryFolder();
        using var model = new TinyModel();
        new CheckpointStore(folder.Path).Save("epoch_1", State(model), Info(model));
        var before = File.ReadAllBytes(folder.At("epoch_1.safetensors"));
        var full = new CheckpointStore(folder.Path, 0, path => new SmallDisk(path, (int)(before.Length * share)));
        Assert.Contains(
            "The disk is full",
            Assert.Throws<UserErrorException>(() => full.Save("epoch_1", State(model), Info(model))).Message,
            StringComparison.Ordinal
        );
        Assert.Contains(
            "The disk is full",
            Assert.Throws<UserErrorException>(() => full.SaveBest("mIoU", State(model), Info(model))).Message,
            StringComparison.Ordinal
        );
        Assert.Equal(["epoch_1.safetensors"], Files(folder));
        Assert.Equal(
            ["epoch_1.safetensors", "last_checkpoint"],
            Directory.GetFiles(folder.Path).Select(Path.GetFileName).Order(StringComparer.Ordinal)
        );
        Assert.Equal(before, File.ReadAllBytes(folder.At("epoch_1.safetensors")));
    }

    [Fact]
    public void Save_DiskForgetsAByte_IsNoticedBeforeTheOldIsReplaced()
    {
        using var folder = new TemporaryFolder();
        using var model = new TinyModel();
        var good = new CheckpointStore(folder.Path).Save("epoch_1", State(model), Info(model));
        var forgetful = new CheckpointStore(folder.Path, 0, path => new ForgetfulDisk(path));
        Assert.Contains(
            "reads back",
            Assert.Throws<UserErrorException>(() => forgetful.Save("epoch_1", State(model), Info(model, 2))).Message,
            StringComparison.Ordinal
        );
        using var checkpoint = Checkpoint.Open(good);
        Assert.Equal(1, checkpoint.Info.Epoch);
    }

    private sealed class SmallDisk(string path, int room) : FileStream(path, FileMode.Create, FileAccess.ReadWrite, FileShare.None, 1)
    {
        public override void Write(ReadOnlySpan<byte> buffer)
        {
            if (Length + buffer.Length > room)
                throw new IOException("No space left on device", 28);
            base.Write(buffer);
        }
    }

    private sealed class ForgetfulDisk(string path) : FileStream(path, FileMode.Create, FileAccess.ReadWrite, FileShare.None, 1)
    {
        protected override void Dispose(bool disposing)
        {
            if (disposing && CanSeek)
            {
                Position = Length - 3;
                WriteByte(0xA5);
            }
            base.Dispose(disposing);
        }
    }
}
