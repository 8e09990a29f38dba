using Tessera.Framework.Models;

namespace Tessera.Framework.Optimization;

/// <summary>What of a model is trained, as a word. The head is everything outside the backbone, and what has rows for classes.</summary>
public enum TunePreset
{
    /// <summary>Everything; as without a preset.</summary>
    Full,

    /// <summary>The head alone; the backbone stays in evaluation mode.</summary>
    LinearProbe,

    /// <summary>The head alone first, then everything.</summary>
    LpFt,

    /// <summary>Everything from a module of the backbone on.</summary>
    Partial,

    /// <summary>The backbone's attention layers, and the head.</summary>
    Attention,

    /// <summary>The backbone's last attention layer, and the head.</summary>
    LastAttention,

    /// <summary>The norms, and the head.</summary>
    Norms,
}

/// <summary>Which part of a model is trained, and when.</summary>
/// <remarks>
/// Linear probing and fine-tuning one after the other: Kumar et al., "Fine-tuning can distort pretrained features and underperform
/// out-of-distribution", ICLR 2022, arXiv:2202.10054. Attention alone: Touvron et al., "Three things everyone should know about vision
/// transformers", ECCV 2022, arXiv:2203.09795.
/// </remarks>
/// <param name="Preset">null: everything.</param>
/// <param name="From">Of <see cref="TunePreset.Partial"/>: the module of the backbone from which on it is trained.</param>
/// <param name="HeadFor">Of <see cref="TunePreset.LpFt"/>: for how long the head is trained alone.</param>
/// <param name="Unit">What <paramref name="HeadFor"/> is counted in.</param>
/// <param name="Rate">Of <see cref="TunePreset.LpFt"/>: times the learning rates, once everything is trained.</param>
public sealed record TuneOptions(
    TunePreset? Preset = null,
    string? From = null,
    int HeadFor = 0,
    ScheduleUnit Unit = ScheduleUnit.Epoch,
    double Rate = 1
)
{
    /// <summary>Whether the head is trained alone at this place of a run. Nothing else decides, so that a resumed run agrees.</summary>
    public bool IsHeadAlone(Progress at) => Preset == TunePreset.LpFt && (Unit == ScheduleUnit.Epoch ? at.Epoch : at.Iteration) < HeadFor;
}
