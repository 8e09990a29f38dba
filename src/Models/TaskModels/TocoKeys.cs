using Tessera.Framework.Models;

namespace Tessera.Models.TaskModels;

/// <summary>What the authors' files of ToCo call the tensors of a <see cref="Toco"/>; the map only reads. The backbone's class head, which
/// nothing uses, and the norm of the projectors' last layers, which is 1, are passed over.</summary>
internal static class TocoKeys
{
    private const string Wrapped = "module.";
    private const string Encoder = "encoder.";
    private const string Classes = "decoder.conv8.weight";
    private const string Background = "decoder.background.weight";

    /// <param name="decoder">Whether there is a decoder here.</param>
    /// <param name="projector">Whether there are projectors here.</param>
    public static KeyMap Map(bool decoder, bool projector)
    {
        return new KeyMap(key => Unused(Plain(key)) ? null : Own(Plain(key)))
        {
            RenameSecond = key => decoder && Plain(key) == Classes ? Background : null,
            Reshape = (key, stored) =>
                key is not (Classes or Background) || stored.dim() != 4 || stored.shape[0] < 2 ? stored
                : key == Background ? stored.narrow(0, 0, 1)
                : stored.narrow(0, 1, stored.shape[0] - 1),
            Computed = key => Unused(Plain(key)),
        };

        bool Unused(string key) =>
            key.StartsWith("encoder.head.", StringComparison.Ordinal)
            || (!decoder && key.StartsWith("decoder.", StringComparison.Ordinal))
            || (
                key.StartsWith("proj_head", StringComparison.Ordinal) && (!projector || key.EndsWith(".weight_g", StringComparison.Ordinal))
            );
    }

    private static string Own(string key) => key.StartsWith(Encoder, StringComparison.Ordinal) ? "backbone." + key[Encoder.Length..] : key;

    private static string Plain(string key) => key.StartsWith(Wrapped, StringComparison.Ordinal) ? key[Wrapped.Length..] : key;
}
