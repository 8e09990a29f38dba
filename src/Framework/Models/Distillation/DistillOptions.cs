using Tessera.Framework.Components;

namespace Tessera.Framework.Models.Distillation;

/// <param name="Teacher">A checkpoint or a work dir of Tessera's, or a config whose model has initial weights; relative to the working
/// directory.</param>
/// <param name="Losses">What is compared, by names of one's own choosing.</param>
/// <param name="OwnWeight">Factor of the losses that the model has by itself; 0.5 beside a term of weight 0.5 is DeiT's α.</param>
public sealed record DistillOptions(
    string Teacher,
    IReadOnlyDictionary<string, ComponentSpec<DistillationTerm>?> Losses,
    [property: Range(0.0, 1e9)] double OwnWeight = 1
);
