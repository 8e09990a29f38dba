using Microsoft.Extensions.Logging;
using Tessera.Framework.Hooks;
using Tessera.Framework.Messages;

namespace Tessera.Models.Detection.Heads;

/// <param name="LastEpochs">How many epochs at the end have the loss.</param>
public sealed record L1LossHookOptions([property: Range(1, int.MaxValue)] int LastEpochs);

/// <summary>Adds a head's L1 loss of boxes in the last epochs (<c>use_l1</c> of YoloxHead).</summary>
/// <remarks>Ge et al., "YOLOX", 2021, arXiv:2107.08430: the last 15 epochs, those without mosaics.</remarks>
[Component("L1LossHook")]
public sealed class L1LossHook(L1LossHookOptions options) : Hook
{
    private static readonly ILogger s_log = Log.For(Log.Run);

    private IHasL1Loss[] _heads = [];

    /// <exception cref="UserErrorException">No part of the model has such a loss.</exception>
    public override void BeforeRun(RunState run)
    {
        _heads = [.. run.Model.modules().OfType<IHasL1Loss>()];
        if (_heads.Length == 0)
            throw new UserErrorException($"L1LossHook: {run.Model.GetName()} has no head that adds an L1 loss (use_l1); YoloxHead is one.");
    }

    public override void BeforeEpoch(RunState run)
    {
        var due = run.Progress.Epoch >= run.Progress.TotalEpochs - options.LastEpochs;
        if (due && !_heads[0].UseL1)
            s_log.LogInformation("From epoch {0} on, loss_l1 of boxes is added.", run.Progress.Epoch + 1);
        foreach (var head in _heads)
            head.UseL1 = due;
    }
}
