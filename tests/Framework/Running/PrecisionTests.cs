using Tessera.Framework.Errors;
using Tessera.Framework.Logging;
using Tessera.Framework.Processes;
using Tessera.Framework.Running;
using Tessera.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Tests.Framework.Running;

public sealed class PrecisionTests
{
    [Theory]
    [InlineData(Precision.Auto, DeviceType.CPU, true, true, ScalarType.BFloat16)]
    [InlineData(Precision.Auto, DeviceType.CPU, true, false, ScalarType.Float32)]
    [InlineData(Precision.Auto, DeviceType.CUDA, false, true, ScalarType.Float32)]
    [InlineData(Precision.Fp32, DeviceType.CPU, true, true, ScalarType.Float32)]
    [InlineData(Precision.Bf16, DeviceType.CPU, true, false, ScalarType.BFloat16)]
    [InlineData(Precision.Fp16, DeviceType.CUDA, true, true, ScalarType.Float16)]
    public void Resolve_TakesBf16OnlyWhereItIsNative(Precision asked, DeviceType device, bool autocast, bool native, ScalarType expected)
    {
        var choice = PrecisionChoice.Resolve(asked, device, autocast, native);
        Assert.Equal(expected, choice.Type);
        Assert.Equal(expected == ScalarType.Float16, choice.NeedsScaling);
        Assert.NotEmpty(choice.Reason);
    }

    [Theory]
    [InlineData(Precision.Bf16, DeviceType.CPU, false, "\"bf16\" needs autocast")]
    [InlineData(Precision.Fp16, DeviceType.CUDA, false, "\"fp16\" needs autocast")]
    [InlineData(Precision.Fp16, DeviceType.CPU, true, "\"fp16\" needs a CUDA device")]
    public void Resolve_WhatCannotBeDone_IsAMistake(Precision asked, DeviceType device, bool autocast, string message)
    {
        var error = Assert.Throws<UserErrorException>(() => PrecisionChoice.Resolve(asked, device, autocast, true));
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("gpu", "names no device")]
    [InlineData("cuda:99", "cuda:99")]
    [InlineData("cuda:x", "names no device")]
    public void Device_ThatIsNone_IsAMistake(string text, string message) =>
        Assert.Contains(message, Assert.Throws<UserErrorException>(() => DeviceChoice.Resolve(text)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("2", "5", "h", "29500", "RANK must be a number from 0 to 1")]
    [InlineData("2", null, "h", "29500", "RANK must be a number from 0 to 1 where WORLD_SIZE is set; it is not set")]
    [InlineData("two", "0", "h", "29500", "WORLD_SIZE must be a number")]
    [InlineData("2", "0", "h", "http", "MASTER_PORT must be a number from 1 to 65534")]
    [InlineData("2", "0", null, "29500", "MASTER_ADDR must name the machine")]
    public void Group_OfAWrongEnvironment_IsAMistake(string size, string? rank, string? address, string? port, string message)
    {
        var environment = new Dictionary<string, string?>
        {
            ["WORLD_SIZE"] = size,
            ["RANK"] = rank,
            ["MASTER_ADDR"] = address,
            ["MASTER_PORT"] = port,
        };
        var error = Assert.Throws<UserErrorException>(() =>
            ProcessGroups.FromEnvironment(new Device(DeviceType.CUDA, 0), environment.GetValueOrDefault)
        );
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }

    // The tests' machine may have MPI or not: RANK and WORLD_SIZE don't start it.
    [Fact]
    public void Group_OfRankAndWorldSizeOnCpus_NamesTheCommand()
    {
        var environment = new Dictionary<string, string?>
        {
            ["WORLD_SIZE"] = "4",
            ["RANK"] = "0",
            ["MASTER_ADDR"] = "localhost",
            ["MASTER_PORT"] = "29500",
        };
        var error = Assert.Throws<UserErrorException>(() => ProcessGroups.FromEnvironment(CPU, environment.GetValueOrDefault));
        Assert.Contains("`mpirun -np 4 tools/train CONFIG`", error.Message, StringComparison.Ordinal);
        Assert.Contains("openmpi-bin", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Group_OnGpusWithoutNccl_NamesTheLibrary()
    {
        var environment = new Dictionary<string, string?>
        {
            ["WORLD_SIZE"] = "2",
            ["RANK"] = "1",
            ["MASTER_ADDR"] = "localhost",
            ["MASTER_PORT"] = "29500",
        };
        if (System.Runtime.InteropServices.NativeLibrary.TryLoad("libnccl.so.2", out _))
            return; // then it would wait for rank 0
        var error = Assert.Throws<UserErrorException>(() =>
            ProcessGroups.FromEnvironment(new Device(DeviceType.CUDA, 0), environment.GetValueOrDefault)
        );
        Assert.Contains("libnccl.so.2 can't be loaded", error.Message, StringComparison.Ordinal);
        Assert.Contains("libnccl2", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Group_WithoutEnvironment_IsAlone()
    {
        using var group = ProcessGroups.FromEnvironment(CPU, _ => null);
        Assert.Equal((0, 1), (group.Rank, group.WorldSize));
    }
}
