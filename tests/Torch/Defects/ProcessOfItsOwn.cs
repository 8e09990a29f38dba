using System.Diagnostics;
using Tessera.Torch.Loading;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Tessera.Tests.Torch.Defects;

/// <summary>Acts that may end the process, run by this assembly's own Main.</summary>
internal static class ProcessOfItsOwn
{
    private static readonly Dictionary<string, Action> s_acts = new()
    {
        ["matmul"] = () => ones(3, 4).matmul(ones(3, 4)),
        ["mm"] = () => ones(3, 4).mm(ones(3, 4)),
        ["autograd.grad"] = () => autograd.grad([ones(1, requires_grad: true) * 2], [ones(1, requires_grad: true)]),
        ["set_rng_state"] = () => random.set_rng_state(zeros(3, dtype: ScalarType.Byte)),
        ["SGD.load_state_dict"] = LoadFreshState,
        ["scalars"] = () => Numbers.AddUnderCollections(TimeSpan.FromSeconds(60)), // nothing here has called LibTorch.Load
        ["scalars, kept"] = Numbers.TrainUnderCollections,
        ["first tensor beside loading"] = LoadBesideATensor,
        ["tensors"] = () => Numbers.TemporariesUnderCollections(TimeSpan.FromSeconds(60)),
    };

    public static Action? Find(string name) => s_acts.GetValueOrDefault(name);

    /// <summary>Runs an act in a new process.</summary>
    /// <returns>The exit code, and what it printed: the type of an exception, if any, then "alive".</returns>
    public static (int Code, string Output) Run(string act)
    {
        var dotnet = Environment.ProcessPath is { } path && Path.GetFileNameWithoutExtension(path) == "dotnet" ? path : "dotnet";
        var start = new ProcessStartInfo(dotnet, ["exec", typeof(ProcessOfItsOwn).Assembly.Location, act])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["DOTNET_DbgEnableMiniDump"] = "0";
        start.Environment["DOTNET_TieredCompilation"] = "0"; // optimized from the first call on, as a training is after a while
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        Assert.True(process.WaitForExit(TimeSpan.FromMinutes(2)), $"{act} does not end");
        _ = errors.Result;
        return (process.ExitCode, output);
    }

    private static void LoadBesideATensor()
    {
        Thread[] threads = [new(LibTorch.Load), new(() => zeros(1).Dispose())];
        foreach (var thread in threads)
        {
            thread.IsBackground = true;
            thread.Start();
            Thread.Sleep(20); // the files of libtorch take longer
        }
        if (!threads.All(thread => thread.Join(TimeSpan.FromSeconds(60))))
            throw new TimeoutException();
    }

    // Here, since it throws NullReferenceException. .NET learns of one by a signal, and where a thread has used AMX (bfloat16 on newer
    // processors) the signal's frame is larger than the stack that .NET 10 keeps for it: the process ends.
    private static void LoadFreshState()
    {
        using var parameter = new Parameter(ones(2));
        using var source = optim.SGD([parameter], 0.1, momentum: 0.9);
        using var target = optim.SGD([parameter], 0.1, momentum: 0.9);
        target.load_state_dict(source.state_dict());
    }
}
