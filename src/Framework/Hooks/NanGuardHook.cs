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
/// <remarks>Puts the guard into the run's training step for as long as the run lasts.</remarks>
[Component("NanGuardHook")]
public sealed class NanGuardHook(NanGuardHookOptions options) : Hook
{
    public override int Order => HookOrder.Checks;

    public override void BeforeRun(RunState run)
    {
        if (run.Guard is not null)
            throw new UserErrorException("hooks: there are two NanGuardHooks. Keep one; \"nan_guard\" is the key of the one by default.");
        var atOnce = options.EachBatch == AutoSwitch.Auto ? run.Device.type == DeviceType.CPU : options.EachBatch == AutoSwitch.True;
        run.Guard = new NonFiniteGuard(options.Interval, atOnce, run.Device, run.Group);
    }

    public override void AfterRun(RunState run)
    {
        run.Guard?.Dispose();
        run.Guard = null;
    }
}
