using System.Diagnostics;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;

namespace Tessera.Tests.Framework.Checkpoints;

/// <summary>Thousands of damaged files: each is read or refused, quickly and with little memory; never a crash.</summary>
public class FuzzTests
{
    private const int Rounds = 2000;

    [Theory]
    [InlineData("good", "training.zip.pth")]
    [InlineData("good", "training.legacy.pth")]
    [InlineData("good", "views.zip.pth")]
    [InlineData("good", "views.legacy.pth")]
    [InlineData("good", "protocol4.legacy.pth")]
    [InlineData("good", "types.legacy.pth")]
    [InlineData("good", "by-hand.safetensors")]
    [InlineData("bad", "reduce-os-system.legacy.pth")]
    [InlineData("bad", "laughs.zip.pth")]
    public void Open_MutatedFile_IsReadOrRefused(string kind, string name)
    {
        using var folder = new TemporaryFolder();
        var whole = File.ReadAllBytes(FixtureFile.At("checkpoints", kind, name));
        var path = folder.At("mutated");
        var random = new RandomSource(20);
        var (refused, slowest) = (0, TimeSpan.Zero);
        for (var round = 0; round < Rounds; round++)
        {
            var mutated = Mutate(whole, random);
            File.WriteAllBytes(path, mutated);
            var before = GC.GetAllocatedBytesForCurrentThread();
            var start = Stopwatch.GetTimestamp();
            try
            {
                using var file = WeightsFile.Open(path);
                foreach (var tensor in file.Tensors.Values)
                    if (tensor.Bytes <= 1 << 20)
                        file.ReadBytes(tensor.Name);
            }
            catch (UserErrorException)
            {
                refused++;
            }
            var took = Stopwatch.GetElapsedTime(start);
            if (took > slowest)
                slowest = took;
            var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            // A dict of a few bytes costs some hundred, a tensor is read once; views may repeat a storage up to 4 M times, which is not
            // read here.
            Assert.True(allocated < 64L * 1024 * 1024, $"Round {round} allocated {allocated / 1e6:0} MB.");
        }
        Assert.True(slowest < TimeSpan.FromSeconds(5), $"One file took {slowest}.");
        Assert.InRange(refused, Rounds / 20, Rounds); // the mutations do damage
    }

    private static readonly byte[] Opcodes = [.. ".(012NKMJGXU]})tbdsuaehqrcRQ"u8, 0x81, 0x85, 0x86, 0x87, 0x88, 0x8A, 0x8C, 0x93, 0x94];

    private static byte[] Mutate(byte[] whole, RandomSource random)
    {
        var bytes = (byte[])whole.Clone();
        // Headers, pickles and directories lie at both ends; most damage goes there.
        int Place() =>
            random.Next(3) switch
            {
                0 => random.Next(bytes.Length),
                1 => random.Next(Math.Min(bytes.Length, 3000)),
                _ => bytes.Length - 1 - random.Next(Math.Min(bytes.Length, 1500)),
            };
        for (var changes = 1 + random.Next(4); changes > 0 && bytes.Length > 16; changes--)
        {
            var at = Place();
            switch (random.Next(7))
            {
                case 0:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 1:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 2: // a size turns extreme
                    for (var i = at; i < Math.Min(at + 4, bytes.Length); i++)
                        bytes[i] = (byte)(random.Chance(0.5) ? 0xFF : 0x7F);
                    break;
                case 3:
                    bytes = bytes[..at];
                    break;
                case 4:
                    bytes = [.. bytes[..at], .. bytes[Math.Min(bytes.Length, at + 1 + random.Next(16))..]];
                    break;
                case 5:
                    bytes = [.. bytes[..at], .. bytes[..Math.Min(bytes.Length, 1 + random.Next(32))], .. bytes[at..]];
                    break;
                default: // an opcode takes another's place
                    bytes[at] = Opcodes[random.Next(Opcodes.Length)];
                    break;
            }
        }
        return bytes;
    }
}
