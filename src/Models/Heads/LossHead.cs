using Tessera.Framework.Models;
using static TorchSharp.torch;

namespace Tessera.Models.Heads;

/// <summary>A head with the losses that its logits are trained by.</summary>
public abstract class LossHead : Head
{
    private readonly (string Name, Loss Term)[] _terms;

    /// <param name="loss">The only loss, reported as "loss"; or</param>
    /// <param name="losses">several, by name.</param>
    /// <param name="otherwise">The loss where none is given.</param>
    protected LossHead(string name, Loss? loss, IReadOnlyDictionary<string, Loss>? losses, Func<Loss> otherwise)
        : base(name)
    {
        if (loss is not null && losses is { Count: > 0 })
            throw new UserErrorException($"{name} takes \"loss\" or \"losses\", not both.");
        _terms = losses is { Count: > 0 } ? [.. losses.Select(pair => (pair.Key, pair.Value))] : [("loss", loss ?? otherwise())];
        foreach (var (key, term) in _terms)
            register_module("loss_" + key, term); // so that their weights follow the device
    }

    /// <summary>Whether the head looks at the last of the maps that it is given, and at no other.</summary>
    public virtual bool ReadsLastMapAlone => false;

    /// <summary>The layer that a published classifier's weights go to; null where there is none.</summary>
    public virtual string? ClassifierKey => null;

    /// <summary>The tensors with rows for classes, by their names in the head: by default those of <see cref="ClassifierKey"/>.</summary>
    public virtual IReadOnlyCollection<ClassTensor> ClassTensors
    {
        get
        {
            if (ClassifierKey is not { } key)
                return [];
            var state = state_dict();
            return [.. new[] { $"{key}.weight", $"{key}.bias" }.Where(state.ContainsKey).Select(name => new ClassTensor(name))];
        }
    }

    /// <summary>Whether a term compares embeddings; see <see cref="Loss.WantsEmbeddings"/>.</summary>
    public bool WantsEmbeddings => _terms.Any(term => term.Term.WantsEmbeddings);

    /// <summary>Tells the terms how long embeddings will be; see <see cref="Loss.ExpectEmbeddings"/>.</summary>
    public void ExpectEmbeddings(int dimension)
    {
        foreach (var (_, term) in _terms)
            term.ExpectEmbeddings(dimension);
    }

    /// <summary>What the head's last layer reads of maps, before dropout: one vector an image.</summary>
    /// <returns>[B, C].</returns>
    /// <exception cref="UserErrorException">The head reads no such vector.</exception>
    public virtual Tensor Features(Tensor[] maps) =>
        throw new UserErrorException($"{GetName()} doesn't read one vector an image, so there are no features to give.");

    /// <summary>The losses of logits, by name.</summary>
    public virtual LossMap Losses(Tensor logits, LossTargets targets, Progress progress)
    {
        var losses = new LossMap();
        foreach (var (key, term) in _terms)
            losses.Add(key, term.Compute(logits, targets, progress));
        return losses;
    }
}
