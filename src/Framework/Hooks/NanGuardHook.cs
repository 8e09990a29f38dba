using Tessera.Framework.Running;
using TorchSharp;

namespace Tessera.Framework.Hooks;

/// <param name="Interval">Batches between looks at the losses, where not each batch is looked at.</param>
/// <param name="EachBatch">Look at each batch before its step. auto: on a CPU, where it costs nothing; a GPU would have to wait each
/// time.</param>
public sealed record NanGuardHookOptions([property: Range(1, 100000)] int Interval = 50, AutoSwitch EachBatch = AutoSwitch.Auto);

/// <summary>
/// Stops the run at a loss that is NaN or infinite; says at which iteration, which term, which module gave the first such
/// value and which files were in the batch, and saves all of it for a replay. On by default.
/// </summary>
[Component("NanGuardHook")]
public sealed class NanGuardHook(NanGuardHookOptions options) : Hook
{
    public int Interval => options.Interval;

    public bool LooksAtEachBatch(DeviceType device) =>
        options.EachBatch == AutoSwitch.Auto ? device == DeviceType.CPU : options.EachBatch == AutoSwitch.True;
}
