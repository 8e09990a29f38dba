using Tessera.Framework.Data;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Tessera.Models.Generation;

/// <summary>A GAN's generator: a code of noise, and where it is conditional an embedding of the class, to an image.</summary>
[ComponentKind("generator")]
public abstract class ImageGenerator : nn.Module<Tensor, Tensor>
{
    private readonly Embedding? class_embedding;

    /// <param name="latent">Length of the noise.</param>
    /// <param name="classEmbed">Length of the embedding of a class that follows it; 0: the generator knows no classes.</param>
    /// <param name="data">The data's classes.</param>
    protected ImageGenerator(string name, int latent, int classEmbed, DataInfo data)
        : base(name)
    {
        (Latent, ClassEmbed) = (latent, classEmbed);
        if (classEmbed > 0)
            class_embedding = nn.Embedding(data.Classes.Count, classEmbed);
    }

    /// <summary>Length of the noise.</summary>
    public int Latent { get; }

    /// <summary>Length of a class's embedding; 0 where the generator knows no classes.</summary>
    public int ClassEmbed { get; }

    /// <summary>Channels of the image.</summary>
    public abstract int OutChannels { get; }

    /// <summary>Height and width of the image.</summary>
    public abstract int Size { get; }

    /// <summary>The tensor that has a row for each class, by its name in the generator; null where there is none.</summary>
    public string? ClassTensor => class_embedding is null ? null : $"{nameof(class_embedding)}.weight";

    /// <summary>Draws.</summary>
    /// <param name="noise">[B, Latent].</param>
    /// <param name="labels">[B], int64; not read where the generator knows no classes.</param>
    /// <returns>[B, OutChannels, Size, Size], in [-1, 1].</returns>
    public Tensor Draw(Tensor noise, Tensor labels)
    {
        using var scope = NewDisposeScope();
        var code = class_embedding is null ? noise : cat([noise, class_embedding.call(labels)], 1);
        return scope.MoveToOuter(call(code));
    }

    /// <param name="code">[B, Latent + ClassEmbed].</param>
    /// <returns>[B, OutChannels, Size, Size], in [-1, 1].</returns>
    public abstract override Tensor forward(Tensor code);
}
