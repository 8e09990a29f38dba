using System.Runtime.InteropServices;
using Tessera.Tests.Torch.Defects;
using Tessera.Torch;
using Tessera.Torch.Loading;
using Tessera.Torch.Memory;

namespace Tessera.Tests.Torch.Loading;

public sealed class LibTorchTests
{
    [Fact]
    public void Exports_AllThatAreInUse_ExistInThisVersion() => Assert.DoesNotContain(Exports.All, name => Exports.Find(name) == 0);

    [Fact]
    public void Version_IsTheOnePinned()
    {
        Assert.Equal(LibTorch.ExpectedVersion, LibTorchBuild.Version);
        Assert.Contains("Math Kernel Library", LibTorchBuild.Blas, StringComparison.Ordinal);
        Assert.Contains(LibTorchBuild.CpuCapability, (string[])["AVX512", "AVX2", "DEFAULT"]);
    }

    // TorchSharp's first use holds .NET's lock on its class and asks for the library; loading waits for that class.
    [Fact]
    public void Load_BesideAnotherThreadsFirstTensor_Ends() =>
        Assert.Equal((0, "alive"), Trimmed(ProcessOfItsOwn.Run("first tensor beside loading")));

    [Fact]
    public void OtherVersion_IsRefusedByName()
    {
        var error = Assert.Throws<LibTorchException>(() => LibTorch.RequireVersion("2.9.1"));
        Assert.Contains("libtorch here is 2.9.1", error.Message, StringComparison.Ordinal);
        Assert.Contains(LibTorch.ExpectedVersion, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true, true, "AVX512")]
    [InlineData(true, false, "AVX2")]
    [InlineData(false, false, "COMPATIBLE")]
    public void Settings_SumsAreRepeatable_OnEveryProcessor(bool avx2, bool avx512, string expected)
    {
        var chosen = ProcessSettings.Choose(avx2, avx512, _ => null).ToDictionary(s => s.Name, s => s.Value);
        Assert.Equal(expected, chosen["MKL_CBWR"]);
        Assert.Equal(("PASSIVE", "2000"), (chosen["OMP_WAIT_POLICY"], chosen["GOMP_SPINCOUNT"]));
    }

    [Fact]
    public void Settings_ThatTheUserMade_Stay() =>
        Assert.Empty(ProcessSettings.Choose(true, true, name => name is "MKL_CBWR" or "OMP_WAIT_POLICY" ? "mine" : null));

    [Theory]
    [InlineData(Architecture.X64, false, true)]
    [InlineData(Architecture.X64, true, false)]
    [InlineData(Architecture.Arm64, false, false)]
    public void Processor_WithoutAvx2_IsTold(Architecture architecture, bool avx2, bool told)
    {
        var warning = Processor.Judge(architecture, avx2);
        Assert.Equal(told, warning is not null);
        if (told)
            Assert.Contains("no AVX2", warning, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(new byte[0])]
    [InlineData(new byte[] { 1, 2, 3 })]
    public void Mend_WhatIsNoLibrary_IsRefused(byte[] bytes) =>
        Assert.Contains(
            "is not the file that TorchSharp ships",
            Assert.Throws<LibTorchException>(() => MendedBinding.Mend(bytes, "x.so")).Message,
            StringComparison.Ordinal
        );

    /// <summary>Every damage ends in our own exception or in a file; nothing is read beyond the bytes.</summary>
    [LinuxFact]
    public void Mend_DamagedTables_NeverThrowAnythingElse()
    {
        var original = File.ReadAllBytes(Path.Combine(LibTorch.Files()!, "libLibTorchSharp.so"));
        var sections = (int)BitConverter.ToInt64(original, 40);
        var random = new Random(1);
        for (var i = 0; i < 60; i++)
        {
            var damaged = (byte[])original.Clone();
            for (var n = 0; n < 8; n++)
                damaged[random.Next(2) == 0 ? random.Next(64) : sections + random.Next(damaged.Length - sections)] = (byte)random.Next(256);
            var bytes = i % 3 == 0 ? damaged[..random.Next(damaged.Length)] : damaged;
            if (Record.Exception(() => MendedBinding.Mend(bytes, "x.so")) is { } error)
                Assert.IsType<LibTorchException>(error);
        }
    }

    [LinuxFact]
    public void Mend_ChangesAFewBytesAlone()
    {
        var original = File.ReadAllBytes(Path.Combine(LibTorch.Files()!, "libLibTorchSharp.so"));
        var mended = (byte[])original.Clone();
        MendedBinding.Mend(mended, "libLibTorchSharp.so");
        Assert.InRange(original.Zip(mended).Count(pair => pair.First != pair.Second), 3, 12);
    }

    private static (int, string) Trimmed((int Code, string Output) said) => (said.Code, said.Output.Trim());
}
