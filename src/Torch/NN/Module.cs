using System.Reflection;
using TorchSharp.Modules;
using TorchSharp.Utils;

namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        /// <summary>Base of everything that learns: holds parameters, buffers and further modules under their names.</summary>
        /// <remarks>
        /// A module assigned to a field joins the tree once <see cref="RegisterComponents"/> has run; the field's name (or its
        /// <see cref="ComponentNameAttribute"/>) becomes its key in the state dict. What is registered is taken out of any dispose
        /// scope: it lives until the module is disposed.
        /// </remarks>
        public partial class Module : IDisposable
        {
            private bool _areComponentsRegistered;
            private bool _training = true;

            protected DeviceType _deviceType = DeviceType.CPU;
            protected int _deviceIndex = -1;
            protected OrderedDict<string, Module> _internal_submodules = [];
            protected OrderedDict<string, (Tensor, bool)> _internal_buffers = [];
            protected OrderedDict<string, Parameter> _internal_params = [];
            protected string? name;

            protected Module(string name) => this.name = name;

            /// <summary>Frees the parameters, buffers and children.</summary>
            public void Dispose()
            {
                Dispose(true);
                GC.SuppressFinalize(this);
            }

            protected virtual void Dispose(bool disposing)
            {
                if (!disposing)
                    return;
                foreach (var (_, (buffer, _)) in _internal_buffers)
                    buffer.Dispose();
                foreach (var (_, parameter) in _internal_params)
                    parameter.Dispose();
                foreach (var (_, child) in _internal_submodules)
                    child.Dispose();
            }

            public virtual bool training => _training;

            /// <summary>Puts this module and all below it into training mode, or with false into evaluation mode.</summary>
            public virtual void train(bool train = true)
            {
                _training = train;
                foreach (var (_, child) in named_children())
                    child.train(train);
            }

            public virtual void eval() => train(false);

            public virtual string GetName() => string.IsNullOrEmpty(name) ? GetType().Name : name;

            /// <summary>Calls a function with every module below this one, then with this one.</summary>
            public virtual Module apply(Action<Module> fn)
            {
                foreach (var (_, child) in _internal_submodules)
                    child.apply(fn);
                fn(this);
                return this;
            }

            public virtual void zero_grad(bool set_to_none = true)
            {
                foreach (var (_, parameter) in named_parameters())
                {
                    using var grad = parameter.grad;
                    if (grad is null)
                        continue;
                    if (set_to_none)
                        parameter.grad = null;
                    else
                        using (no_grad())
                            grad.zero_();
                }
            }

            /// <summary>Registers every module, parameter and tensor held by an instance field, unless its name is taken.</summary>
            protected virtual void RegisterComponents()
            {
                if (_areComponentsRegistered)
                    return;
                foreach (var field in ModuleFields.Of(GetType()))
                {
                    var key = field.Key;
                    if (_internal_submodules.ContainsKey(key) || _internal_params.ContainsKey(key) || _internal_buffers.ContainsKey(key))
                        continue;
                    switch (field.Info.GetValue(this))
                    {
                        case Module module: register_module(key, module); break;
                        case Parameter parameter: register_parameter(key, parameter); break;
                        case Tensor tensor: register_buffer(key, tensor); break;
                    }
                }
                _areComponentsRegistered = true;
            }

            public virtual void register_buffer(string name, Tensor tensor, bool persistent = true)
            {
                if (tensor is null || tensor.IsInvalid)
                    throw new ArgumentNullException(nameof(tensor), "A null tensor cannot be registered as a buffer.");
                if (!_internal_buffers.TryAdd(name, (tensor, persistent)))
                    throw new InvalidOperationException($"Tensor {name} is already registered.");
                tensor.DetachFromDisposeScope();
            }

            public virtual void register_parameter(string name, Parameter param)
            {
                if (param is null || param.IsInvalid)
                    throw new ArgumentNullException(nameof(param), "A null tensor cannot be registered as a parameter.");
                if (!_internal_params.TryAdd(name, param))
                    throw new InvalidOperationException($"Parameter {name} is already registered.");
                param.DetachFromDisposeScope();
            }

            public void add_module(string name, Module module) => register_module(name, module);

            /// <summary>Adds a child; null removes the child of that name.</summary>
            public virtual void register_module(string name, Module submodule)
            {
                if (submodule is null)
                {
                    _internal_submodules.Remove(name);
                    return;
                }
                if (string.IsNullOrEmpty(name))
                    throw new ArgumentException("module name can't be empty string \"\"", nameof(name));
                if (name.Contains('.', StringComparison.Ordinal))
                    throw new ArgumentException($"module name can't contain \".\", got: {name}", nameof(name));
                if (_internal_submodules.ContainsKey(name))
                    throw new InvalidOperationException($"Sub-module {name} is already registered.");
                submodule.RegisterComponents();
                _internal_submodules.Add(name, submodule);
            }

            protected void ConditionallyRegisterParameter(string name, Tensor? value) => ConditionallyRegisterParameter(name, value as Parameter);

            protected void ConditionallyRegisterParameter(string name, Parameter? value)
            {
                if (value is null)
                    _internal_params.Remove(name);
                else
                    _internal_params[name] = (Parameter)value.DetachFromDisposeScope();
            }

            protected void ConditionallyRegisterBuffer(string name, Tensor? value, bool persistent = true)
            {
                if (value is null)
                    _internal_buffers.Remove(name);
                else
                    _internal_buffers[name] = (value.DetachFromDisposeScope(), persistent);
            }

            /// <summary>For containers, which may not call this protected method on their elements.</summary>
            private protected static void RegisterComponentsOf(Module module) => module.RegisterComponents();

            protected void ClearModules() => _internal_submodules.clear();

            protected static (Device device, ScalarType dtype) GetDefaultDeviceAndType(Device? device = null, ScalarType? dtype = null)
                => (device ?? CPU, dtype ?? get_default_dtype());

            /// <summary>The setter of a layer's parameter property: the old tensor is freed, the new one registered in its place.</summary>
            private protected void SetParameter(string name, ref Parameter? field, Parameter? value)
            {
                if (ReferenceEquals(field, value))
                    return;
                field?.Dispose();
                field = value;
                ConditionallyRegisterParameter(name, value);
            }

            /// <summary>The setter of a layer's buffer property.</summary>
            private protected void SetBuffer(string name, ref Tensor? field, Tensor? value)
            {
                if (ReferenceEquals(field, value))
                    return;
                field?.Dispose();
                field = value;
                ConditionallyRegisterBuffer(name, value);
            }
        }
    }
}

public static class FieldInfoExtensionMethods
{
    /// <summary>The name that a field's content has in the state dict.</summary>
    public static string ComponentName(this FieldInfo field) => field.GetCustomAttribute<ComponentNameAttribute>()?.Name ?? field.Name;
}
