using Tessera.Framework.Components;
using static TorchSharp.torch;

namespace Tessera.Framework.Models;

/// <summary>What a loss compares the logits with. A task sets what it has.</summary>
/// <param name="Labels">int64: [B] for images, [B, H, W] for maps.</param>
/// <param name="SoftLabels">float32, [B, classes]: mixed or multi-hot labels.</param>
/// <param name="Values">float32, [B, targets].</param>
/// <param name="Embeddings">For contrastive terms, what a projection head makes of the same images, with gradient: embeddings of unit
/// length, [B, D, h, w], or, with <paramref name="Embed"/>, what they come from.</param>
/// <param name="Embed">Pixels of Embeddings, [n, C], to embeddings of unit length, [n, D], float32, each by itself: a term has only those
/// made that it takes. Where null, Embeddings are that already.</param>
public sealed record LossTargets(
    Tensor? Labels = null,
    Tensor? SoftLabels = null,
    Tensor? Values = null,
    Tensor? Embeddings = null,
    Func<Tensor, Tensor>? Embed = null
);

/// <summary>A term of the objective: logits and targets to a scalar, its weight applied.</summary>
[ComponentKind("loss")]
public abstract class Loss(string name) : nn.Module(name)
{
    /// <summary>Whether the term compares <see cref="LossTargets.Embeddings"/>; a model then needs a projection head.</summary>
    public virtual bool WantsEmbeddings => false;

    /// <summary>How the term takes the probabilities of classes from logits.</summary>
    public virtual ClassActivation Activation => ClassActivation.Other;

    /// <summary>What is likely to be wrong with what the term was given; null where nothing was noticed.</summary>
    public string? Suspicion { get; protected set; }

    /// <summary>Values at which the term stays where the model does not learn; none by default.</summary>
    /// <param name="classes">Of the data.</param>
    public virtual IEnumerable<TellingLoss> Standstills(int classes) => [];

    /// <summary>Called by a model that has a projection head, once, before weights are loaded: a term that keeps embeddings makes
    /// room.</summary>
    /// <param name="dimension">D of <see cref="LossTargets.Embeddings"/>.</param>
    public virtual void ExpectEmbeddings(int dimension) { }

    /// <param name="logits">[B, classes, …].</param>
    /// <param name="progress">Where the run stands, for terms that warm up or ramp.</param>
    /// <returns>A scalar.</returns>
    public abstract Tensor Compute(Tensor logits, LossTargets targets, Progress progress);
}
