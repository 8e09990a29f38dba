namespace Tessera.Framework.Models;

/// <summary>What a tensor does with the channels of the image.</summary>
public enum StemRole
{
    /// <summary>It weighs them: [outputs, channels · inner, …]. Fewer channels take the sum of their weights.</summary>
    Weight,

    /// <summary>It norms them: [channels · inner]. Fewer channels take the mean of their factors.</summary>
    Norm,
}

/// <summary>A tensor of a backbone that reads the image, so that its shape follows the image's channels.</summary>
/// <param name="Name">As in the backbone's state dict.</param>
/// <param name="Inner">Entries of each channel along the tensor's dimension of channels: more than 1 where patches were unfolded.</param>
/// <param name="Outer">How often all channels come there, one after another: more than 1 where pixels of a patch were laid behind each
/// other.</param>
public sealed record StemTensor(string Name, StemRole Role = StemRole.Weight, int Inner = 1, int Outer = 1);
