using static TorchSharp.torch;

namespace TorchSharp.Modules;

/// <summary>What transformer encoders and decoders share.</summary>
internal static class StackedLayers
{
    public static Tensor Activate(Tensor x, nn.Activations activation)
        => activation == nn.Activations.GELU ? nn.functional.gelu(x) : nn.functional.relu(x);

    public static T CopyOf<T>(T source, T target) where T : nn.Module
    {
        target.load_state_dict(source.state_dict());
        target.train(source.training);
        return target;
    }
}
