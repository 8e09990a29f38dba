using System.Reflection;
using static TorchSharp.torch;

namespace Tessera.Tools.Costs;

/// <summary>Hooks around a module's calls, whatever its inputs and outputs are.</summary>
internal static class ModuleHooks
{
    /// <returns>Takes the hooks off; null where the module is none that is called.</returns>
    public static Action? Around(nn.Module module, Action<nn.Module> before, Action<nn.Module> after)
    {
        // The types of inputs and outputs are those of the module's base class, of which there are many.
        var hookable = module.GetType();
        while (hookable is not null && !(hookable.IsGenericType && hookable.GetGenericTypeDefinition() == typeof(nn.HookableModule<,>))) hookable = hookable.BaseType;
        if (hookable is null) return null;
        object[] removers =
        [
            hookable.GetMethod("register_forward_pre_hook", [typeof(Action<nn.Module>)])!.Invoke(module, [before])!,
            hookable.GetMethod("register_forward_hook", [typeof(Action<nn.Module>)])!.Invoke(module, [after])!,
        ];
        return () =>
        {
            foreach (var remover in removers) remover.GetType().GetMethod("remove", BindingFlags.Public | BindingFlags.Instance)!.Invoke(remover, null);
        };
    }
}
