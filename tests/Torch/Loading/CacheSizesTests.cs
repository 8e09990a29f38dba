using Tessera.Torch.Loading;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Tests.Torch.Loading;

public sealed class CacheSizesTests
{
    private const uint Caches = 0x8000001D;

    [Fact]
    public void Hidden_AmdWithAnEmptyLeaf_AndNoOther()
    {
        Assert.True(CacheSizes.Hidden(Machine("AuthenticAMD", caches: 0)));
        Assert.False(CacheSizes.Hidden(Machine("AuthenticAMD", caches: 0x04004121)));
        Assert.False(CacheSizes.Hidden(Machine("GenuineIntel", caches: 0)));
    }

    [Fact]
    public void Sizes_AreThoseOfTheOlderLeaves()
    {
        Assert.Equal([48u << 10, 1u << 20, 1u << 20], CacheSizes.Sizes(Machine("AuthenticAMD", 0)));
        Assert.Equal([32u << 10, 512u << 10, 1u << 20], CacheSizes.Sizes((_, _) => default)); // oneDNN's own guess
    }

    [Fact]
    public void Signature_HoldsFamilyAndModel_AsTheProcessorTellsThem()
    {
        var words = CacheSizes.Signature(Machine("AuthenticAMD", 0));
        Assert.Equal(29, words.Length);
        Assert.Equal([2u, 15u, 1u, 0u, 11u, 26u, 2u], words[22..]); // 0x00b00f21: family 26, model 2, stepping 1
    }

    [Fact]
    public void Replace_WritesTheSizesOfEveryPlace_AndNothingElse()
    {
        var words = CacheSizes.Signature(Machine("AuthenticAMD", 0));
        uint[] memory = [7, .. words, 9, .. words, 1, 1, 1];
        var before = memory.ToArray();
        Assert.Equal(2, CacheSizes.Replace(memory, words, [100, 200, 300]));
        foreach (var start in (int[])[1, 1 + words.Length + 1])
        {
            Assert.Equal([100u, 200u, 300u, 0u], memory[start..(start + 4)]);
            new uint[] { 1, 1, 1 }.CopyTo(memory, start);
        }
        Assert.Equal(before, memory);
        Assert.Equal(0, CacheSizes.Replace(new uint[100], words, [100, 200, 300]));
    }

    [Fact]
    public void WritableMemory_IsTheLibrarysOwn_AndWhatFollowsWithoutAFile()
    {
        string[] maps =
        [
            "7f00-7f10 r-xp 00000000 fe:00 1 /lib/libtorch_cpu.so",
            "7f10-7f20 rw-p 00010000 fe:00 1 /lib/libtorch_cpu.so",
            "7f20-7f40 rw-p 00000000 00:00 0 ",
            "7f50-7f60 rw-p 00000000 00:00 0 ",
            "7f60-7f70 rw-p 00000000 fe:00 2 /lib/libc10.so",
            "7f70-7f80 rw-p 00000000 00:00 0 ",
        ];
        Assert.Equal([(0x7f10, 0x10), (0x7f20, 0x20)], CacheSizes.WritableMemory(maps, "libtorch_cpu.so"));
    }

    /// <summary>What goes wrong where oneDNN doesn't know the caches (and the memory beside the tensors with it): channels that don't fill
    /// a block of 16, in each number type and layout.</summary>
    [Theory]
    [InlineData(ScalarType.Float32, false, 1e-5)]
    [InlineData(ScalarType.Float32, true, 1e-5)]
    [InlineData(ScalarType.BFloat16, false, 0.01)]
    [InlineData(ScalarType.BFloat16, true, 0.01)]
    public void Convolutions_OfAnyChannels_EqualThoseInFloat64(ScalarType type, bool channelsLast, double tolerance)
    {
        LibTorch.Load();
        var generator = new Random(5);
        foreach (var channels in (int[])[1, 2, 3, 12, 24, 48])
        foreach (var filters in (int[])[2, 11, 24, 64])
        foreach (var kernel in (int[])[1, 3])
        foreach (var stride in (int[])[1, 2])
        {
            // Writes beyond its buffer on processors without AVX-512, whatever the caches are: BatchLayout.Overrunning.
            if (channelsLast && type == ScalarType.Float32 && kernel == 1 && stride > 1 && channels < 16)
                continue;
            using var scope = NewDisposeScope();
            random.manual_seed(generator.Next());
            var images = Layout(randn(16, channels, 8, 8).to(bfloat16));
            var weights = Layout((randn(filters, channels, kernel, kernel) * 0.1).to(bfloat16));
            var gradient = randn(16, filters, 8 / stride, 8 / stride).to(bfloat16);
            var expected = Step(float64);
            var actual = Step(type);
            foreach (var (e, a, what) in expected.Zip(actual, (string[])["output", "images' gradient", "weights' gradient"]))
                Assert.True(
                    ((a - e).norm() / e.norm()).item<double>() < tolerance,
                    $"{what}, {channels} to {filters} channels, {kernel} x {kernel}, stride {stride}: {((a - e).norm() / e.norm()).item<double>()}"
                );

            Tensor[] Step(ScalarType number)
            {
                var x = Layout(images.to(number)).detach().requires_grad_(true);
                var w = Layout(weights.to(number)).detach().requires_grad_(true);
                var y = nn.functional.conv2d(x, w, strides: [stride, stride], padding: [kernel / 2, kernel / 2]);
                y.backward([gradient.to(number)]);
                return [y.detach().to(float64), x.grad!.to(float64), w.grad!.to(float64)];
            }
        }

        Tensor Layout(Tensor tensor) => channelsLast ? tensor.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2) : tensor;
    }

    /// <summary>A processor as CPUID tells of it: what the machine showed on which the fault was found.</summary>
    private static Func<uint, uint, (uint A, uint B, uint C, uint D)> Machine(string maker, uint caches) =>
        (leaf, _) =>
            leaf switch
            {
                0 => (0xD, Word(maker, 0), Word(maker, 8), Word(maker, 4)),
                1 => (0x00b00f21, 0, 0, 0),
                0x80000000 => (0x80000021, 0, 0, 0),
                0x80000005 => (0, 0, 0x300c0140, 0),
                0x80000006 => (0, 0, 0x04006140, 0x0fe09140),
                Caches => (caches, 0, 0, 0),
                _ => default,
            };

    private static uint Word(string text, int start) => BitConverter.ToUInt32(System.Text.Encoding.ASCII.GetBytes(text), start);
}
